package redisstore

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

const (
	maxFailedKeys     = 10_000
	maxFailedPrefixes = 100
	maxDrains         = 1000
)

// failures remembers the writes that may not have taken effect, so that no old value is served when the server is back.
// A mark stays until the key has been deleted, or everything under the prefix cleared.
type failures struct {
	marks atomic.Int64 // how many there are: with none, an operation pays this one load

	mu       sync.Mutex
	serial   uint64 // of the last failure
	keys     map[string]*mark
	prefixes map[string]*mark
	sent     uint64 // serial of the last failure of a command that had been sent
	drains   map[*redis.Client]*drain
}

// drain is how far a server has been given time to execute what was sent before a failure.
type drain struct {
	turn   chan struct{} // holds a token while somebody makes the round trips
	sent   uint64        // what failures.sent was then
	rounds int           // round trips made since
}

// mark is one key or prefix that must not be used before it was deleted.
type mark struct {
	turn   chan struct{} // holds a token while somebody deletes
	serial uint64        // of the last failure
	why    error         // of a prefix: the mistake that keeps it from being cleared; nil where it is none, as while the server is away
}

func newFailures() *failures {
	return &failures{keys: make(map[string]*mark), prefixes: make(map[string]*mark), drains: make(map[*redis.Client]*drain)}
}

// free tells whether nobody is deleting what m stands for. Whoever takes its turn later finds that it does not stand any more;
// whoever has it forgets it when done, for until then the deletion may take away what others store.
func (m *mark) free() bool {
	select {
	case m.turn <- struct{}{}:
		<-m.turn
		return true
	default:
		return false
	}
}

func (f *failures) any() bool { return f.marks.Load() > 0 }

// noteKey remembers that a write of key failed, and whether it may have been sent. Where there are too many keys, it is the
// key's namespace that is remembered.
func (f *failures) noteKey(key string, sent bool) { f.noteKeys([]string{key}, sent) }

// noteKeys is noteKey for each of the keys.
func (f *failures) noteKeys(keys []string, sent bool) {
	if len(keys) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		if f.keys[key] == nil && len(f.keys) >= maxFailedKeys {
			f.noteOverflow(key)
		} else {
			f.note(f.keys, key)
		}
	}
	f.noteSent(sent)
}

func (f *failures) noteOverflow(key string) {
	for p := range f.prefixes {
		if strings.HasPrefix(key, p) {
			f.note(f.prefixes, p) // to be cleared once more
			return
		}
	}
	prefix := f.boundedPrefix(namespaceOf(key))
	f.note(f.prefixes, prefix)
	maps.DeleteFunc(f.keys, func(k string, m *mark) bool { return strings.HasPrefix(k, prefix) && m.free() })
	f.count()
}

func (f *failures) noteSent(sent bool) {
	if sent {
		f.sent = f.serial
	}
}

// notePrefix remembers that a Clear of prefix failed.
func (f *failures) notePrefix(prefix string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note(f.prefixes, f.boundedPrefix(prefix))
	f.noteSent(true)
}

// boundedPrefix is prefix, or everything where there are too many prefixes to remember.
func (f *failures) boundedPrefix(prefix string) string {
	if f.prefixes[prefix] == nil && len(f.prefixes) >= maxFailedPrefixes {
		maps.DeleteFunc(f.prefixes, func(_ string, m *mark) bool { return m.free() })
		return ""
	}
	return prefix
}

func (f *failures) note(in map[string]*mark, name string) {
	m := in[name]
	if m == nil {
		m = &mark{turn: make(chan struct{}, 1)}
		in[name] = m
	}
	f.serial++
	m.serial = f.serial
	f.count()
}

func (f *failures) count() { f.marks.Store(int64(len(f.keys) + len(f.prefixes))) }

// last returns the serial of the last failure.
func (f *failures) last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.serial
}

// blame remembers what kept a Clear of prefix from being done.
func (f *failures) blame(prefix string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.prefixes[prefix]; m != nil {
		m.why = mistake(err)
	}
}

// blamed returns what keeps a prefix of key from being cleared, where it is a mistake.
func (f *failures) blamed(key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p, m := range f.prefixes {
		if strings.HasPrefix(key, p) && m.why != nil {
			return m.why
		}
	}
	return nil
}

// prefixOf returns a prefix of key that is yet to be cleared, and its mark, or nil.
func (f *failures) prefixOf(key string) (prefix string, m *mark) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p, m := range f.prefixes {
		if strings.HasPrefix(key, p) {
			return p, m
		}
	}
	return "", nil
}

// key returns the mark of key, or nil.
func (f *failures) key(key string) *mark {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys[key]
}

// covers tells whether what is under key counts as a miss until it has been deleted.
func (f *failures) covers(key string) bool {
	if !f.any() {
		return false
	}
	_, m := f.prefixOf(key)
	return m != nil || f.key(key) != nil
}

// clearing tells whether m still is the mark of prefix.
func (f *failures) clearing(prefix string, m *mark) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.prefixes[prefix] == m
}

// standing returns the serial of m and whether it still is the mark of key.
func (f *failures) standing(key string, m *mark) (serial uint64, stands bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return m.serial, f.keys[key] == m
}

// forgetKey drops the mark of key unless another write of it has failed since.
func (f *failures) forgetKey(key string, since uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.keys[key]; m != nil && m.serial <= since {
		delete(f.keys, key)
		f.count()
	}
}

// forgetBelow drops the marks of everything under prefix that were made up to since: own, and those that are free.
func (f *failures) forgetBelow(prefix string, since uint64, own *mark) {
	if !f.any() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	old := func(name string, m *mark) bool {
		return m.serial <= since && strings.HasPrefix(name, prefix) && (m == own || m.free())
	}
	maps.DeleteFunc(f.keys, old)
	maps.DeleteFunc(f.prefixes, old)
	f.count()
}

// drainOf returns that of a server, nil where nothing that was sent has ever failed.
func (f *failures) drainOf(node *redis.Client) *drain {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sent == 0 {
		return nil
	}
	d := f.drains[node]
	if d == nil {
		if len(f.drains) >= maxDrains {
			clear(f.drains) // most have left the cluster; for the others all round trips are made once more
		}
		d = &drain{turn: make(chan struct{}, 1)}
		f.drains[node] = d
	}
	return d
}

// undrained returns the serial of the last failure that had been sent, and how many round trips are left to make for it.
func (f *failures) undrained(d *drain) (sent uint64, rounds int) {
	if d == nil {
		return 0, 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d.sent != f.sent {
		d.sent, d.rounds = f.sent, 0
	}
	return d.sent, drainRounds - d.rounds
}

// drainedOnce counts a round trip, unless a command that had been sent has failed since.
func (f *failures) drainedOnce(d *drain, sent uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d.sent == sent && f.sent == sent && d.rounds < drainRounds {
		d.rounds++
	}
}

// namespaceOf returns the levels of namespace that key begins with: "@a:@b:" of "@a:@b:k", "" of "k" and of "@@k".
func namespaceOf(key string) string {
	n := 0
	for rest := key; len(rest) > 1 && rest[0] == '@' && rest[1] != '@'; rest = key[n:] {
		end := strings.IndexByte(rest, ':')
		if end < 0 {
			break
		}
		n += end + 1
	}
	return key[:n]
}
