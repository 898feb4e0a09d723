import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';

/**
 * Makes sure that a program which the tests need is there. Where it is missing and this is Debian run by root, it is
 * installed; elsewhere the one command to run is said.
 * @param homebrew what Homebrew calls the package, where it has another name than Debian's
 */
export function ensureInstalled(program, debianPackage, homebrew = debianPackage) {
  if (isInstalled(program)) return;
  if (!canInstall()) {
    throw new Error(
      `The tests need ${program} on PATH: install it, for example with \`sudo apt-get install ${debianPackage}\` or \`brew install ${homebrew}\``,
    );
  }
  install(program, debianPackage);
}

/**
 * Makes sure that Debian's PostgreSQL of a major version is there with an extension, and no server of it runs: tests start
 * their own.
 * @param library the file of the extension, such as `hypopg.so`
 * @param debianPackage that of the extension, which brings the server
 */
export function ensurePostgresInstalled(major, library, debianPackage) {
  const file = `/usr/lib/postgresql/${major}/lib/${library}`;
  if (existsSync(file)) return;
  if (!canInstall()) {
    throw new Error(`The tests need ${file}: install it with \`sudo apt-get install ${debianPackage}\``);
  }
  mkdirSync('/etc/postgresql-common/createcluster.d', { recursive: true });
  writeFileSync('/etc/postgresql-common/createcluster.d/none.conf', 'create_main_cluster = false\n');
  install(file, debianPackage);
}

const canInstall = () => existsSync('/etc/debian_version') && process.getuid?.() === 0;

function install(what, debianPackage) {
  process.stdout.write(`Installing ${debianPackage} with apt-get, the tests need ${what}\n`);
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function isInstalled(program) {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
