/** Things on a page of a list when nobody says how many; one row more tells whether there is a next page. */
export const PAGE = 50;
