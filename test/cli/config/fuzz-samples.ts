/** Files of each kind that use much of their syntax. */
const ini = `[DEFAULT]
copy_env = True
[circus]
check_delay = 5
httpd = False
umask = 022
include = other/*.ini
; comment
[env]
PATH = $(circus.env.PATH):/x
A = $(circus.env.B)
B = $HOME ; note
[env:web,w*]
C = ((circus.env.A))/$(circus.env.C)
[socket:web]
host = 0.0.0.0
port = 80
[socket:unix]
path = /run/x
umask = 022
[watcher:web]
cmd = run --fd $(circus.sockets.web)
args = -v
   --more "x ; y"
numprocesses = cpus-1
sockets = web
stop_signal = SIGRTMIN+1
rlimit_nofile = 1024
stdout_stream.class = FileStream
hooks.before_start = a.b, true
singleton = no
[defaults:w*]
max_age = 1h30m
env.D = \${HOME:-/none}\${A:-\${B:?no B}}
[watcher:worker]
cmd : worker
expand = shell
env.E = $$HOME
graceful_timeout = 2.5
flapping.window = 1
[plugin:flapping]
use = circus.plugins.flapping.Flapping
window = 3
`;

const json = `{
  "circus": { "check_delay": 5, "httpd": false, "umask": "022", "endpoint": null },
  "env": { "A": "$(circus.env.B)", "B": 1, "web,w*": { "C": "$HOME" } },
  "defaults": { "copy_env": true, "graceful_timeout": "1m" },
  "watchers": {
    "web": {
      "cmd": ["run", "--fd", "$(circus.sockets.web)"], "sockets": ["web"], "numprocesses": "cpus-1",
      "stdout_stream": { "class": "FileStream", "max_bytes": "1M" }, "env": { "D": "\\u0041\\n" }
    },
    "worker": { "cmd": "worker", "expand": "shell", "args": "\${A:-x}", "flapping": { "window": 1.5e1 } }
  },
  "sockets": { "web": { "port": 80 } },
  "plugins": { "flapping": { "use": "flapping", "window": 3 } }
}
`;

const yaml = `circus: { check_delay: 5, umask: 022 }
base: &base
  copy_env: true
  env: { A: "$(circus.env.B)", B: ~ }
watchers:
  web:
    <<: *base
    cmd: [run, --fd, $(circus.sockets.web)]
    sockets: web
    args: >
      one
      two
  worker: # note
    <<: [*base]
    cmd: |
      worker
    expand: shell
    flapping: { window: 1.5 }
sockets:
  web: { port: 80 }
`;

const variables = `# note
A=1
export B = two words # note
C="tab\\t \\"q\\" \${A:-x}"
D='one
two'
E=
`;

/** What files of each name hold before they are mutated. */
export const samples: Readonly<Record<string, string>> = {
  'a.ini': ini,
  'a.json': json,
  'a.yaml': yaml,
  'v.env': variables,
};

/** What is put into them. */
export const pieces = [
  ['', '\n', '\r', '\r\n', '[', ']', '=', ':', ';', ' ;', '#', '"', "'", '\\', '\0', '\t', ' ', '\n ', '\n\n  '],
  ['\u00a0', '\u0085', '\u2028', '\ufeff', '\ud800', '\udc00', '😀', '@', '%0041', '%', '@1', '{% if %}', '-1'],
  ['__proto__', '[__proto__]\n', 'constructor = 1\n', 'toString', '10 = 1\n', 'k[] = 1\n', '1e999', '9'.repeat(30)],
  [
    '${A:-',
    '${',
    '$$',
    '}',
    '${A:?x}',
    '{',
    ',',
    'null',
    ': ',
    '- ',
    '&a ',
    '*a',
    '<<: ',
    '? ',
    '|\n',
    '"x": ',
    '\\u',
    '!!x',
  ],
  ['$(circus.env.', '$(circus.env.A)', '((circus.env.B))', '$(circus.sockets.x)', '$A', 'circus.', '$(circus.wid)'],
  ['[watcher:', '[watcher:web]\n', '[socket:]\n', '[plugin:x]\n', '[env:*]\n', '[env:[]\n', '[DEFAULT]\n', '[]\n'],
  [
    'cmd = x\n',
    'expand = shell\n',
    '[defaults]\n',
    '[defaults:[]\n',
    '[watcher:*]\n',
    'secret.A = no\n',
    'env_file = no\n',
    'env. = 1\n',
    'max_age = 1w\n',
    'export A="',
    'name = web\n',
    'stdout_stream = 1\n',
    'singleton = 1\n',
    'use =\n',
    'rem\n',
    'rlimit_ = 1\n',
    '*?[!a]',
  ],
].flat();
