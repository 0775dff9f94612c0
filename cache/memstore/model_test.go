package memstore_test

import (
	"fmt"
	"maps"
	"time"

	"github.com/larder-go/larder/cache"
)

// model is the contract in its plainest form: a list without what has expired, and a victim found by looking at all of it.
type model struct {
	maxEntries int
	maxBytes   int
	now        time.Duration
	serial     int
	evictions  int
	entries    map[string]modelEntry
}

type modelEntry struct {
	value   string
	expires time.Duration // -1: never
	serial  int
}

func (m *model) expiry(ttl time.Duration) time.Duration {
	if ttl == cache.Forever {
		return -1
	}
	return m.now + ttl
}

func (m *model) advance(d time.Duration) {
	m.now += d
	maps.DeleteFunc(m.entries, func(_ string, e modelEntry) bool { return e.expires >= 0 && m.now >= e.expires })
}

func modelSize(key, value string) int { return 64 + len(key) + len(value) }

func (m *model) bytes() int {
	sum := 0
	for key, e := range m.entries {
		sum += modelSize(key, e.value)
	}
	return sum
}

func (m *model) fits(key, value string) bool {
	_, overwrites := m.entries[key]
	entries, size := len(m.entries)+1, m.bytes()+modelSize(key, value)
	if overwrites {
		entries, size = entries-1, size-modelSize(key, m.entries[key].value)
	}
	return entries <= m.maxEntries && (m.maxBytes == 0 || size <= m.maxBytes)
}

func (m *model) put(key, value string, expires time.Duration) error {
	if m.maxBytes > 0 && modelSize(key, value) > m.maxBytes {
		return cache.ErrTooLarge
	}
	for !m.fits(key, value) {
		victim, best := "", modelEntry{}
		for k, e := range m.entries {
			if k != key && (victim == "" || before(e, best)) {
				victim, best = k, e
			}
		}
		delete(m.entries, victim)
		m.evictions++
	}
	m.serial++
	m.entries[key] = modelEntry{value, expires, m.serial}
	return nil
}

func before(a, b modelEntry) bool {
	switch {
	case a.expires == b.expires:
		return a.serial < b.serial
	case a.expires < 0:
		return false
	case b.expires < 0:
		return true
	}
	return a.expires < b.expires
}

func (m *model) set(key, value string, ttl time.Duration) error {
	if ttl != cache.KeepTTL {
		return m.put(key, value, m.expiry(ttl))
	}
	if e, ok := m.entries[key]; ok {
		return m.put(key, value, e.expires)
	}
	return cache.ErrNotFound
}

func (m *model) add(key, value string, ttl time.Duration) (bool, error) {
	if _, ok := m.entries[key]; ok {
		return false, nil
	}
	err := m.set(key, value, ttl)
	return err == nil, err
}

func (m *model) increment(key string, delta int64, ttl time.Duration) (int64, error) {
	e, ok := m.entries[key]
	switch {
	case !ok && ttl == cache.KeepTTL:
		return 0, cache.ErrNotFound
	case !ok:
		e = modelEntry{value: "0", expires: m.expiry(ttl)}
	}
	sum, err := cache.Sum([]byte(e.value), delta)
	if err == nil {
		err = m.put(key, fmt.Sprint(sum), e.expires)
	}
	if err != nil {
		return 0, err
	}
	return sum, nil
}

func (m *model) swap(key, old, replacement string, ttl time.Duration) (bool, error) {
	if e, ok := m.entries[key]; !ok || e.value != old {
		return false, nil
	}
	err := m.set(key, replacement, ttl)
	return err == nil, err
}

func (m *model) touch(key string, ttl time.Duration) bool {
	e, ok := m.entries[key]
	if ok {
		_ = m.put(key, e.value, m.expiry(ttl))
	}
	return ok
}

func (m *model) renew(key string, ttl time.Duration) {
	if m.entries[key].expires >= 0 {
		m.touch(key, ttl)
	}
}

func (m *model) take(key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	var state []byte
	if e, ok := m.entries[key]; ok {
		state = append([]byte{}, e.value...)
	}
	micros := int64(m.now) / 1000
	next, ttl, d, err := cache.Meter(state, micros, limits, cost)
	if err != nil || next == nil {
		return d, err
	}
	if !m.fits(key, string(next)) {
		return cache.Decision{}, cache.ErrUnavailable
	}
	return d, m.put(key, string(next), time.Duration(micros*1000)+ttl)
}

func (m *model) ttl(key string) time.Duration {
	e, ok := m.entries[key]
	switch {
	case !ok:
		return 0
	case e.expires < 0:
		return cache.Forever
	}
	return e.expires - m.now
}
