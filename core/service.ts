/** The typed name of something that one plugin offers to others; two names are the same service. */
export interface Service<T> {
  readonly service: string;
  /** Only for the type checker: what the provider returns. */
  readonly type?: T;
}

/** Declares a service; a plugin's `service.ts` exports it beside the interface. */
export function service<T>(name: string): Service<T> {
  return Object.freeze({ service: name });
}

/** Services by the local name that a plugin calls them by. */
export type Services = Readonly<Record<string, Service<unknown>>>;

/** What a plugin gets for the services it declared. */
export type Provided<S extends Services> = { readonly [K in keyof S]: S[K] extends Service<infer T> ? T : never };
