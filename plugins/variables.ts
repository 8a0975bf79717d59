/** Variables that have a program run code of somebody else's, or read his files: programs with more rights must not get them. */
import type { Environment } from '#core';

const ofAll =
  /^(LD_.*|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|NLSPATH|HOSTALIASES|RES_OPTIONS|RESOLV_HOST_CONF|LOCALDOMAIN|MALLOC_.*|OPENSSL_.*|BASH_ENV|ENV|BASH_FUNC_.*|SHELLOPTS|BASHOPTS|PS4|IFS)$/;
/** Where programs are found, and from where interpreters and common tools take code. */
const ofInterpreters =
  /^(PATH|HOME|ZDOTDIR|CDPATH|XDG_CONFIG_(HOME|DIRS)|PYTHON.*|NODE_.*|PERL.*|RUBY.*|GEM_.*|BUNDLE_.*|LUA_.*|PHP.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_.*|CLASSPATH|GIT_.*|EDITOR|VISUAL|PAGER|LESS.*|SSL_CERT_.*)$/;

/** True for one that does so to any program, whatever it is written in. */
export const isDangerous = (name: string): boolean => ofAll.test(name);

/** An environment without them and without those of interpreters, for programs that run with the daemon's rights. */
export function withoutCode(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ofAll.test(name) && !ofInterpreters.test(name)));
}
