/**
 * `npm run build -w pantoken`: makes `dist`, a package of its own that npm can pack or publish. Node runs
 * TypeScript in a checkout but not below node_modules, and npm leaves `bin` as it stands: so the package
 * that is published is another folder than the one that is worked in.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SERVER = join(import.meta.dirname, '..');
const ROOT = join(SERVER, '../..');
const COMPILER = join(ROOT, 'node_modules/typescript/bin/tsc');

/** The folder of the package. */
export const DIST = join(SERVER, 'dist');

/** Not compiled, and needed where the compiled files are. */
const ASSETS = 'src/**/*.sql';

/** Read by who installs the package. */
const PAGES = ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md'] as const;

/** What the server needs of Node: node:sqlite with its backup, and JSON modules. */
const ENGINES = { node: '>=24' } as const;

type Manifest = Readonly<Record<string, unknown>>;

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** The manifest of the server without what concerns the workspace. */
function publishedManifest(): Manifest {
  const {
    private: _private,
    devDependencies: _dev,
    scripts: _scripts,
    ...rest
  } = readManifest(SERVER);
  const { optionalDependencies } = readManifest(ROOT) as {
    optionalDependencies: Record<string, string>;
  };
  return {
    ...rest,
    bin: { pantoken: './src/main.js' },
    engines: ENGINES,
    // Its binding is compiled on installation: who has no HSM does without.
    peerDependencies: { pkcs11js: optionalDependencies.pkcs11js },
    peerDependenciesMeta: { pkcs11js: { optional: true } },
  };
}

/** Makes the folder anew. @throws {Error} when it does not compile. */
export function buildPackage(): void {
  rmSync(join(ROOT, 'packages/pan-token/dist'), { recursive: true, force: true });
  rmSync(DIST, { recursive: true, force: true });
  const compile = (folder: string) =>
    execFileSync(process.execPath, [COMPILER, '-p', join(folder, 'tsconfig.build.json')], {
      stdio: 'inherit',
    });
  compile(join(ROOT, 'packages/pan-token')); // The types of the server are checked against what it ships.
  compile(SERVER);
  for (const file of globSync(ASSETS, { cwd: SERVER }))
    cpSync(join(SERVER, file), join(DIST, file));
  for (const page of PAGES) cpSync(join(ROOT, page), join(DIST, page));
  const text = `${JSON.stringify(publishedManifest(), undefined, 2)}\n`;
  writeFileSync(join(DIST, 'package.json'), text);
  chmodSync(join(DIST, 'src/main.js'), 0o755);
}

if (import.meta.main) buildPackage();
