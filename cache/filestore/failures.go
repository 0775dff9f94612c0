package filestore

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	maxFailedKeys     = 10_000
	maxFailedPrefixes = 100
)

// failures remembers the writes that may not have taken effect: when each failed. What was stored until then counts as absent in this process, also if it
// is stored only later, by a write that was left behind; for an entry says when the call began that stored it.
type failures struct {
	marks atomic.Int64 // how many there are: with none, an operation pays this one load

	mu       sync.Mutex
	keys     map[string]int64 // when, in Unix nanoseconds
	prefixes map[string]int64
}

func newFailures() *failures {
	return &failures{keys: make(map[string]int64), prefixes: make(map[string]int64)}
}

// noteKeys remembers that writes of the keys failed. Where there are too many keys, it is the key's namespace that is remembered.
func (f *failures) noteKeys(keys ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := clock()
	for _, key := range keys {
		if _, known := f.keys[key]; !known && len(f.keys) >= maxFailedKeys {
			f.notePrefixAt(namespaceOf(key), now)
		} else {
			f.keys[key] = now
		}
	}
	f.count()
}

// notePrefix remembers that a Clear of prefix failed.
func (f *failures) notePrefix(prefix string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notePrefixAt(prefix, clock())
	f.count()
}

func (f *failures) notePrefixAt(prefix string, now int64) {
	if _, known := f.prefixes[prefix]; !known && len(f.prefixes) >= maxFailedPrefixes {
		prefix = ""
	}
	f.prefixes[prefix] = now
	covered := func(name string, _ int64) bool { return strings.HasPrefix(name, prefix) }
	maps.DeleteFunc(f.keys, covered)
	maps.DeleteFunc(f.prefixes, func(name string, when int64) bool { return name != prefix && covered(name, when) })
}

// covers tells whether an entry that was stored at the time created counts as absent.
func (f *failures) covers(key string, created int64) bool {
	if f.marks.Load() == 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if when, failed := f.keys[key]; failed && created <= when {
		return true
	}
	for prefix, when := range f.prefixes {
		if created <= when && strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// forgetKey drops the mark of key, if it is older than then: what was stored then, or removed, has taken the place of what it covers. A write that was
// left behind and comes late drops no later mark.
func (f *failures) forgetKey(key string, then int64) {
	if f.marks.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys[key] < then {
		delete(f.keys, key)
	}
	f.count()
}

// forgetBelow drops the marks of everything under prefix that were made until then, when what they cover has been removed.
func (f *failures) forgetBelow(prefix string, then int64) {
	if f.marks.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	old := func(name string, when int64) bool { return when <= then && strings.HasPrefix(name, prefix) }
	maps.DeleteFunc(f.keys, old)
	maps.DeleteFunc(f.prefixes, old)
	f.count()
}

func (f *failures) count() { f.marks.Store(int64(len(f.keys) + len(f.prefixes))) }

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
