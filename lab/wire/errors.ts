/**
 * The one error a lab service throws to answer with an AWS error.
 * `code` is the wire code or the modelled shape name; the codec turns it into whatever the protocol says.
 */
export class ServiceError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  constructor(code: string, message: string, status?: number) {
    super(message);
    this.name = "ServiceError";
    this.code = code;
    this.status = status;
  }
}
