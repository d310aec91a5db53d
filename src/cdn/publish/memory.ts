import { setFlagsFromString } from 'node:v8';

/**
 * Limits Node's memory. By default V8 lets garbage grow to several times the live data, and its space for new
 * objects to three times 32 MB. A first publication of 100,000 files with 130 MB of live data took 490 MB, and
 * takes 275 MB with these two flags in the same time (VmHWM, on two cores). Other memory flags of V8 work only
 * at start, and an action can't choose those.
 */
export function keepMemorySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
}
