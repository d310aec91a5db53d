/** Of this toolkit; a release sets it (scripts/release), on main it is that of the next one. */
export const version = '0.1.0';
