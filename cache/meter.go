package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// meterMagic is what the state of [Meter] begins with.
const meterMagic = "gcra2"

// few is how many limits Meter has memory for without asking for it: a limiter has few, and is asked often.
const few = 4

// Meter is Take for a store that keeps bytes: it takes cost from the limits, whose state is what the entry holds, nil where there is
// none. now is the store's clock in microseconds, 0 or more. If next is not nil it is to be stored for the lifetime ttl; a nil next leaves the entry
// as it is. The store makes reading, Meter and storing one atomic step. A state that Meter did not make is an error.
//
// The state is "gcra2", and for every limit that is not whole
//
//	0        8     16        24      28
//	arrival  rest  requests  length  name …
//	64 bits  64    64        32
//
// little-endian: the theoretical arrival time on the store's clock, in microseconds and rest/requests of one, and the name with its length in
// bytes. Limits that are not among those of a call keep theirs, for 400 days at most. A limit whose Requests have changed has its rest
// rounded up. One that is there twice, which Meter writes for none, has the later.
func Meter(state []byte, now int64, limits []Limit, cost int64) (next []byte, ttl time.Duration, d Decision, err error) {
	next, ttl, d, err = AppendMeter(nil, state, now, limits, cost)
	return next, ttl, d, err
}

// AppendMeter is Meter that appends what is to be stored to b, which has no part of state, and returns it whole; nil still means that the
// entry stays as it is. A store that copies what it keeps needs no memory for it.
func AppendMeter(b, state []byte, now int64, limits []Limit, cost int64) (next []byte, ttl time.Duration, d Decision, err error) {
	var memory [2 * few]Level
	levels, after := memory[:few], memory[few:]
	if len(limits) > few {
		levels, after = make([]Level, len(limits)), make([]Level, len(limits))
	}
	levels, after = levels[:len(limits)], after[:len(limits)]
	kept, others := arrivalsIn(state), false
	for kept.next() {
		i := kept.indexIn(limits)
		others = others || i < 0
		if i >= 0 && kept.isAfter(now) {
			levels[i] = higher(levels[i], kept.level(now, limits[i]))
		}
	}
	if kept.failed {
		return nil, 0, Decision{}, errors.New("the entry is not one that Take made")
	}
	d = decide(limits, levels, after, cost)
	if slices.Equal(after, levels) {
		return nil, 0, d, nil
	}
	if next = b; next == nil {
		next = make([]byte, 0, max(64, len(state)+64))
	}
	next = append(next, meterMagic...)
	last := now
	for kept = arrivalsIn(state); others && kept.next(); {
		if a := kept.within(now); a.isAfter(now) && a.indexIn(limits) < 0 {
			next = append(a.appendNumbers(next, len(a.name)), a.name...)
			last = max(last, ceil(Level{a.at, a.rest}))
		}
	}
	for i := range limits {
		if after[i] != (Level{}) {
			a := arrival{at: now + after[i].Micros, rest: after[i].Rest, of: limits[i].Requests}
			next = append(a.appendNumbers(next, len(limits[i].Name)), limits[i].Name...)
			last = max(last, ceil(Level{a.at, a.rest}))
		}
	}
	return next, time.Duration(last-now) * time.Microsecond, d, nil
}

// arrival is the theoretical arrival time of one limit.
type arrival struct {
	at, rest, of int64
	name         []byte // a part of the state
}

// isAfter reports whether the limit is not whole again.
func (a *arrival) isAfter(now int64) bool { return a.at > now || a.at == now && a.rest > 0 }

func (a *arrival) level(now int64, l Limit) Level {
	level := Level{Micros: a.at - now, Rest: a.rest}
	if a.of != l.Requests && a.rest > 0 {
		level = Level{Micros: min(level.Micros, maxPeriod.Microseconds()) + 1} // more is beyond the period in any case
	}
	return level
}

func higher(a, b Level) Level {
	if b.Micros > a.Micros || b.Micros == a.Micros && b.Rest > a.Rest {
		return b
	}
	return a
}

// within returns a, but no later than any limit's can be: it is, where the clock was set back.
func (a *arrival) within(now int64) arrival {
	b := *a
	if latest := now + maxPeriod.Microseconds(); b.at >= latest {
		b.at, b.rest = latest, 0
	}
	return b
}

// indexIn returns which of the limits a is about, -1 where it is about none.
func (a *arrival) indexIn(limits []Limit) int {
	for i := range limits {
		if string(a.name) == limits[i].Name {
			return i
		}
	}
	return -1
}

// arrivalLen is how long an arrival is without its name.
const arrivalLen = 28

// appendNumbers appends what comes before the name.
func (a *arrival) appendNumbers(b []byte, nameLen int) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(a.at))
	b = binary.LittleEndian.AppendUint64(b, uint64(a.rest))
	b = binary.LittleEndian.AppendUint64(b, uint64(a.of))
	return binary.LittleEndian.AppendUint32(b, uint32(nameLen))
}

// arrivals reads a state, one arrival after the other.
type arrivals struct {
	arrival

	left   []byte
	failed bool // the state is none of Meter's
}

func arrivalsIn(state []byte) arrivals {
	left, ok := bytes.CutPrefix(state, []byte(meterMagic))
	return arrivals{left: left, failed: !ok && state != nil}
}

func (r *arrivals) next() bool {
	s := r.left
	if r.failed || len(s) == 0 {
		return false
	}
	if len(s) >= arrivalLen {
		r.at = int64(binary.LittleEndian.Uint64(s))
		r.rest = int64(binary.LittleEndian.Uint64(s[8:]))
		r.of = int64(binary.LittleEndian.Uint64(s[16:]))
		nameLen := uint64(binary.LittleEndian.Uint32(s[24:]))
		if s = s[arrivalLen:]; nameLen <= uint64(len(s)) && r.at >= 0 && r.rest >= 0 && (r.rest == 0 || r.rest < r.of) && r.of >= 0 {
			r.name, r.left = s[:nameLen], s[nameLen:]
			return true
		}
	}
	r.failed = true
	return false
}
