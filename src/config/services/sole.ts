import type { ComposeModel, ServiceConfig } from '../model.ts';
import { findPorts } from '../ports/ports.ts';
import { addressesOf } from './network-names.ts';
import { isShared, type SeenService, writableVolumes } from './stores.ts';

/** Devices that any number of containers may open; of a serial adapter or a tuner there is one. */
const sharedDevices =
  /^\/dev\/(?:dri|net|fuse|kvm|kfd|null|zero|full|u?random|shm|snd|nvidia|vchiq|video\d)(?:[\w-]*)(?:\/|$)/;

/**
 * Why a second container of a service could not run beside the first: a fixed address that others call, a device, or the
 * volumes of another container.
 *
 * @returns a sentence without its stop; undefined: nothing of these.
 */
export function soleReason(
  name: string,
  service: SeenService,
  own: ServiceConfig,
  model: ComposeModel,
): string | undefined {
  const device = devicesOf(service).find((path) => !sharedDevices.test(path));
  if (device !== undefined) return `it uses the device ${device}, which only one container can use`;
  const from = writableFrom(service, own, model);
  if (from !== undefined)
    return `it writes to the volumes of ${from}, which two versions must not do at once: replaced in place when it changes`;
  const address = calledAddress(name, model);
  return address === undefined || findPorts(service, own) !== undefined
    ? undefined
    : `${address.by} calls it by its fixed address ${address.address}, which only one container can have`;
}

function devicesOf(service: SeenService): string[] {
  const devices = Array.isArray(service['devices']) ? (service['devices'] as unknown[]) : [];
  return devices.flatMap((device) => {
    const source =
      typeof device === 'string' ? device.split(':')[0] : (device as { source?: unknown }).source;
    return typeof source === 'string' ? [source] : [];
  });
}

/** A service or container whose volumes `volumes_from:` gives this one to write to. */
function writableFrom(service: SeenService, own: ServiceConfig, model: ComposeModel): string | undefined {
  const all = Array.isArray(service['volumes_from']) ? (service['volumes_from'] as unknown[]) : [];
  return all.map(String).find((text) => {
    if (/:ro$/.test(text)) return false;
    const source = text.startsWith('container:') ? undefined : model.services[text.split(':')[0] ?? ''];
    if (source === undefined) return true;
    return writableVolumes(source).some(
      ({ name }) => name === undefined || !isShared(own.sharedVolumes, name),
    );
  });
}

/** A service without ports has no edge that could have its address: two colors could not. */
function calledAddress(name: string, model: ComposeModel): { address: string; by: string } | undefined {
  const fixed = model.services[name];
  for (const address of fixed === undefined ? [] : addressesOf(fixed)) {
    const whole = new RegExp(`(?<![\\w.:])${address.replaceAll('.', '\\.')}(?![\\w.])`);
    const found = Object.entries(model.services).find(([other, { networks: _own, ...rest }]) => {
      return other !== name && whole.test(JSON.stringify(rest));
    });
    if (found !== undefined) return { address, by: found[0] };
  }
  return undefined;
}
