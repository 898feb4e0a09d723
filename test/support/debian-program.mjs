import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Makes sure that a program which the tests need is there. Where it is missing and this is Debian run by root, it is
 * installed; elsewhere the one command to run is said.
 * @param homebrew what Homebrew calls the package, where it has another name than Debian's
 */
export function ensureInstalled(program, debianPackage, homebrew = debianPackage) {
  if (isInstalled(program)) return;
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    throw new Error(
      `The tests need ${program} on PATH: install it, for example with \`sudo apt-get install ${debianPackage}\` or \`brew install ${homebrew}\``,
    );
  }
  process.stdout.write(`Installing ${debianPackage} with apt-get, the tests need ${program}\n`);
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
