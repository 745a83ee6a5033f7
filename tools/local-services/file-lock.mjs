/**
 * A lock held by one process of this machine at a time, kept as a file that names its owner. A lock whose owner no
 * longer lives is taken over, so a killed process never blocks the next one.
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './process-table.mjs';

function readOwner(path) {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Takes the lock at once and returns `{ release }`, or `{ owner }` with the pid of the living process that holds it. */
export function tryLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, `${process.pid}\n`);
      closeSync(file);
      return { release: () => readOwner(path) === process.pid && rmSync(path, { force: true }) };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = readOwner(path);
    if (owner === undefined) continue;
    // An owner that has created the file but not yet written its pid reads as NaN: it is at work.
    if (Number.isNaN(owner) || (owner !== process.pid && isAlive(owner))) return { owner };
    // The rename is what decides between two processes that both found the owner dead.
    const grave = `${path}.${process.pid}.dead`;
    try {
      renameSync(path, grave);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    rmSync(grave, { force: true });
  }
}

/** Runs `work` while holding the lock, waiting for its present owner up to `timeoutMs`. */
export async function withLock(path, work, timeoutMs = 600_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const lock = tryLock(path);
    if (lock.release) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (Date.now() > deadline) {
      throw new Error(`Process ${lock.owner} has held ${path} for ${timeoutMs / 1000} s. End it, or delete that file.`);
    }
    await sleep(50);
  }
}
