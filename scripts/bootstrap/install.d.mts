/** Something that is missing could not be brought; `exitCode` is the script's then. */
export class InstallError extends Error {
  exitCode: number;
}
