import { resolve } from 'node:path';
import { upBed } from '../bed.ts';
import { writeProject } from './project.ts';
import { buildVersions, type VersionName, versions } from './versions.ts';

const usage = `The example application for the test bed.

  node test/bed/app/main.ts build [VERSION...]    build and push versions (all: ${Object.keys(versions).join(', ')})
  node test/bed/app/main.ts project FOLDER        write a project folder with a sluice.yml for the bed`;

async function main([verb, ...args]: string[]): Promise<number> {
  const known = (name: string): name is VersionName => name in versions;
  const unknown = verb === 'build' ? args.find((name) => !known(name)) : undefined;
  if (unknown !== undefined || (verb !== 'build' && (verb !== 'project' || args[0] === undefined))) {
    console.error(unknown === undefined ? usage : `there is no version ${unknown}\n\n${usage}`);
    return 2;
  }
  const bed = await upBed();
  try {
    if (verb === 'build') {
      const names = args.filter(known);
      const all = Object.keys(versions).filter(known);
      await buildVersions(names.length > 0 ? names : all, (line) => console.log(line));
    } else {
      const project = writeProject(resolve(args[0] ?? ''), bed.hosts);
      console.log(`${project.config}\nSLUICE_SSH_KEY_FILE=${bed.privateKeyPath}`);
    }
    return 0;
  } finally {
    bed.release();
  }
}

process.exitCode = await main(process.argv.slice(2));
