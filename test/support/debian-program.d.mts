export function ensureInstalled(program: string, debianPackage: string, homebrew?: string): void;
export function ensurePostgresInstalled(major: number, library: string, debianPackage: string): void;
