/** Circus's hooks in Python: a program of a few lines that calls one function and tells what came of it. */

/**
 * Reads `{ path, check }` or `{ path, call }` from its input. To its output it writes one JSON object for a call; for a
 * check `[]`, and then a line `[AT, FLAW]` for each function as soon as it knows. What functions print goes to the error
 * output. It leaves without waiting for threads: a hook has its say, and is through.
 */
export const bridge = `
import sys
# What lies in the folder at hand is nobody's module: not even one of those below.
sys.path[:] = [folder for folder in sys.path if folder]
import difflib, importlib, json, os, traceback

given = json.loads(sys.stdin.buffer.read().decode('utf-8'))
out = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
sys.path += [folder for folder in given['path'] if folder not in sys.path]


def words(error):
    return ' '.join(('%s: %s' % (type(error).__name__, error)).split()).rstrip(': ')


def resolve(module, name):
    found = importlib.import_module(module)
    function = getattr(found, name, None)
    if callable(function):
        return function
    near = difflib.get_close_matches(name, [one for one in dir(found) if callable(getattr(found, one))], 1)
    hint = ' (did you mean "%s"?)' % near[0] if near else ''
    raise AttributeError('module "%s" has no function "%s"%s' % (module, name, hint))


class Facts(object):
    def __init__(self, what, facts):
        self.__dict__.update(facts, _what=what)

    def __getattr__(self, name):
        raise AttributeError('%s.%s is not known in a process beside circusd' % (self._what, name))

    def __setattr__(self, name, value):
        raise AttributeError('%s.%s can not be set from a process beside circusd' % (self._what, name))


class Watcher(Facts):
    def __init__(self, facts):
        own = dict(facts)
        options = own.pop('options')
        Facts.__init__(self, 'watcher', dict(options, **own))
        processes = dict((one['pid'], Facts('process', one)) for one in own['processes'])
        self.__dict__.update(_options=options, processes=processes, pids=sorted(processes))

    def options(self, *names):
        return sorted((name, value) for name, value in self._options.items() if not names or name in names)

    def status(self):
        return self.state

    def get_active_processes(self):
        return list(self.processes.values())

    def is_active(self):
        return self.state == 'active'

    def is_stopped(self):
        return self.state == 'stopped'

    def is_starting(self):
        return self.state == 'starting'

    def is_stopping(self):
        return self.state == 'stopping'


class Arbiter(Facts):
    def __init__(self, facts, own):
        Facts.__init__(self, 'arbiter', facts)
        others = [own if one['name'] == own.name else Watcher(one) for one in facts['watchers']]
        self.__dict__.update(watchers=others)

    def get_watcher(self, name):
        return dict((one.name.lower(), one) for one in self.watchers)[name.lower()]

    def numwatchers(self):
        return len(self.watchers)

    def numprocesses(self):
        return sum(len(one.processes) for one in self.watchers)


def call(module, name, hook, watcher, arbiter, arguments):
    own = Watcher(watcher)
    env = dict(own.env)
    arbiter = Arbiter(arbiter, own)
    function = resolve(module, name)
    if hook == 'extended_stats':
        answer = function(own, arbiter, hook, **arguments)
    else:
        answer = function(watcher=own, arbiter=arbiter, hook_name=hook, **arguments)
    names = set(env) | set(own.env)
    changed = dict((one, own.env.get(one)) for one in names if env.get(one) != own.env.get(one))
    return {'answer': bool(answer), 'shown': repr(answer)[:80], 'env': changed, 'stats': arguments.get('stats')}


def say(*what):
    out.write(json.dumps(what) + '\\n')
    out.flush()


def check(functions):
    say()
    for at, (module, name) in enumerate(functions):
        flaw = None
        try:
            resolve(module, name)
        except BaseException as error:
            flaw = words(error)
        say(at, flaw)


if 'check' in given:
    check(given['check'])
else:
    try:
        result = call(**given['call'])
    except BaseException as error:
        traceback.print_exc()
        result = {'error': words(error)}
    json.dump(result, out, default=str)
for stream in (out, sys.stdout, sys.stderr):
    stream.flush()
os._exit(0)
`;
