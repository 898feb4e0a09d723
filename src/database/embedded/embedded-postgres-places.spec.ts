import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, EmbeddedLab } from '../../../test/support/embedded-lab';
import { canRun, locateBinaries, mendInstallation } from './binaries';
import { createCluster } from './initdb';
import { userForNewCluster } from './postgres-user';
import { binariesFor } from './system-home';

const isRoot = process.getuid?.() === 0;

describe('the place of embedded PostgreSQL', () => {
  const lab = new EmbeddedLab();
  afterEach(() => lab.tidy());
  afterAll(() => lab.close());

  it('is refused below a file', async () => {
    const dataDir = join(__filename, 'data');
    await expect(lab.open(dataDir)).rejects.toThrow(
      `DATA_DIR ${dataDir} cannot be created because a part of that path is a file, not a folder: ` +
        'choose another DATA_DIR.',
    );
  });

  it('is refused, and not touched, when another PostgreSQL made the cluster', async () => {
    const dataDir = await lab.dataDir();
    const { directory } = await lab.open(dataDir).then(async (database) => {
      await database.stop();
      return database;
    });
    writeFileSync(join(directory, 'PG_VERSION'), '16\n');
    const before = readdirSync(directory);

    await expect(lab.open(dataDir)).rejects.toThrow(
      `The database in ${directory} was made by PostgreSQL 16 and this release brings PostgreSQL 18, which cannot ` +
        'read it: start the release that made it, dump it with pg_dump at the address that `npm run db:url` prints, ' +
        'stop it, move the folder aside, start this release and restore the dump.',
    );
    expect(readdirSync(directory)).toEqual(before);
  });

  it('is refused when something else lies there', async () => {
    const dataDir = lab.newDataDir();
    mkdirSync(join(dataDir, 'postgres'), { recursive: true });
    writeFileSync(join(dataDir, 'postgres', 'holiday.txt'), 'not a cluster');

    await expect(lab.open(dataDir)).rejects.toThrow(
      `${dataDir}/postgres is not a PostgreSQL cluster although the database belongs there: ` +
        'move it aside or choose another DATA_DIR.',
    );
    expect(readdirSync(join(dataDir, 'postgres'))).toEqual(['holiday.txt']);
  });

  it('is refused when the passwords are missing or are those of another database', async () => {
    const dataDir = await lab.dataDir();
    const { directory } = await lab.open(dataDir);
    const file = join(dataDir, 'database-passwords.json');
    const passwords = readFileSync(file, 'utf8');

    rmSync(file);
    await expect(lab.open(dataDir)).rejects.toThrow(
      `The passwords of the database in ${directory} are missing: bring ${file} back from a backup, ` +
        'or move the database aside to begin with an empty one.',
    );
    writeFileSync(file, passwords.replaceAll(/[A-Z]/g, 'X'));
    await expect(lab.open(dataDir)).rejects.toThrow(
      /^PostgreSQL \(pid \d+\) in .* refuses the passwords of this DATA_DIR/,
    );
    writeFileSync(file, '{');
    await expect(lab.open(dataDir)).rejects.toThrow(
      `The database passwords in ${file} are damaged: bring the file back from a backup.`,
    );
  });

  it('stays empty when initdb fails, and initdb is quoted', async () => {
    const dataDir = lab.newDataDir();
    const programs = join(dataDir, 'programs');
    mkdirSync(join(programs, 'bin'), { recursive: true });
    const script =
      '#!/bin/sh\necho "initdb: error: could not write file: No space left on device" >&2\nexit 1\n';
    writeFileSync(join(programs, 'bin', 'initdb'), script, { mode: 0o755 });
    const directory = join(dataDir, 'postgres');
    const place = { directory, exists: false, user: null };

    await expect(
      createCluster(place, { root: programs, version: '18', major: 18 }, 'secret', true),
    ).rejects.toThrow(
      `The database cannot be created in ${directory} because initdb failed ` +
        '(error: could not write file: No space left on device): ' +
        'mend that or choose another DATA_DIR, then start again.',
    );
    expect(readdirSync(dataDir)).toEqual(['programs']);
  });

  it('is quoted with the reason when PostgreSQL does not start there', async () => {
    const dataDir = await lab.dataDir();
    const database = await lab.open(dataDir);
    await database.stop();
    writeFileSync(join(database.directory, 'postgresql.conf'), 'max_connections = many\n');

    await expect(lab.open(dataDir)).rejects.toThrow(
      `PostgreSQL cannot be started in ${database.directory} ` +
        '(LOG: invalid value for parameter "max_connections": "many"; FATAL: configuration file ' +
        `"${database.directory}/postgresql.conf" contains errors): mend that, then start again.`,
    );
  });

  it('gets what an installation without install scripts leaves out', () => {
    const root = join(lab.newDataDir(), 'package');
    mkdirSync(join(root, 'native', 'bin'), { recursive: true });
    mkdirSync(join(root, 'native', 'lib'));
    writeFileSync(join(root, 'native', 'bin', 'postgres'), '', { mode: 0o644 });
    writeFileSync(join(root, 'native', 'lib', 'libpq.so.5.18'), 'library');
    const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
    writeFileSync(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(links));

    mendInstallation(root);
    mendInstallation(root);
    expect(lstatSync(join(root, 'native', 'lib', 'libpq.so.5')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(root, 'native', 'lib', 'libpq.so.5'), 'utf8')).toBe('library');
    expect(statSync(join(root, 'native', 'bin', 'postgres')).mode & 0o111).toBe(0o111);
  });

  if (isRoot) {
    it('is elsewhere when only root can enter DATA_DIR', async () => {
      const dataDir = lab.newDataDir();
      mkdirSync(dataDir);
      chmodSync(join(dataDir, '..'), 0o700);
      const database = await lab.open(dataDir);

      expect(database.directory).toMatch(/^\/var\/lib\/gridtokenx\/[0-9a-f]{16}\/postgres$/);
      expect(lab.sentences).toEqual([
        `DATA_DIR ${dataDir} lies in a folder that the user postgres, who runs PostgreSQL, cannot enter, ` +
          `so the database lives in ${database.directory}.`,
        `Creating a PostgreSQL 18 database in ${database.directory}.`,
      ]);
      expect(readFileSync(join(dataDir, 'postgres-location.txt'), 'utf8').split('\n')[0]).toBe(
        database.directory,
      );
      expect(existsSync(join(dataDir, 'database-passwords.json'))).toBe(true);
      await ask(database.ownerUrl, 'CREATE TABLE kept AS SELECT 1 AS wh');
      await database.stop();

      const again = await lab.open(dataDir);
      expect([again.origin, again.directory]).toEqual(['started', database.directory]);
      expect(await ask(again.ownerUrl, 'SELECT wh FROM kept')).toEqual([{ wh: 1 }]);
      expect(lab.sentences).toHaveLength(2);
    });

    it('is new when a DATA_DIR that only root can enter was emptied, and the old one is set aside', async () => {
      const dataDir = lab.newDataDir();
      mkdirSync(dataDir);
      chmodSync(join(dataDir, '..'), 0o700);
      const before = await lab.open(dataDir);
      await ask(before.ownerUrl, 'CREATE TABLE old AS SELECT 1 AS wh');
      rmSync(dataDir, { recursive: true });

      const database = await lab.open(dataDir);
      expect([database.origin, database.directory]).toEqual(['created', before.directory]);
      expect(await ask(database.ownerUrl, `SELECT to_regclass('old') AS old`)).toEqual([{ old: null }]);
      const aside =
        /was moved to (\S+): remove it when nobody needs it\.$/.exec(lab.sentences[2] ?? '')?.[1] ?? '';
      expect(aside).toMatch(/^\/var\/lib\/gridtokenx\/[0-9a-f]{16}\.left-\d{14}$/);
      expect(existsSync(join(aside, 'postgres', 'PG_VERSION'))).toBe(true);
      rmSync(aside, { recursive: true });
    });

    it('has a copy of the programs when only root can enter theirs', () => {
      const user = userForNewCluster(() => undefined);
      const installed = locateBinaries();
      const hidden = {
        ...installed,
        root: join(lab.newDataDir(), 'native'),
        version: `0.0.0-spec.${process.pid}`,
      };
      cpSync(installed.root, hidden.root, { recursive: true, verbatimSymlinks: true });
      chmodSync(join(hidden.root, '..'), 0o700);
      expect(canRun(hidden, user)).toBe(false);

      const copied = binariesFor(user, hidden, (sentence) => void lab.sentences.push(sentence));
      try {
        expect(copied.root).toBe(`/var/lib/gridtokenx/postgresql-${hidden.version}`);
        expect(canRun(copied, user)).toBe(true);
        expect(lab.sentences).toEqual([
          `The user postgres may not run the PostgreSQL programs in ${hidden.root}, ` +
            `so they were copied to ${copied.root}.`,
        ]);
      } finally {
        rmSync(copied.root, { recursive: true });
      }
    });
  }
});
