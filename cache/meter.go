package cache

import (
	"bytes"
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// meterMagic is what the state of [Meter] begins with.
const meterMagic = "gcra1"

// few is how many limits Meter has memory for without asking for it: a limiter has few, and is asked often.
const few = 4

// Meter is Take for a store that keeps bytes: it takes cost from the limits, whose state is what the entry holds, nil where there is
// none. now is the store's clock in microseconds, 0 or more. If next is not nil it is to be stored for the lifetime ttl; a nil next leaves the entry
// as it is. The store makes reading, Meter and storing one atomic step. A state that Meter did not make is an error.
//
// The state is text: "gcra1", and for every limit that is not whole a space and
//
//	name:arrival:rest:requests
//
// with the name escaped as [url.QueryEscape] does, and the theoretical arrival time on the store's clock, in microseconds and rest/requests
// of one. Limits that are not among those of a call keep theirs, for 400 days at most. A limit whose Requests have changed has its rest
// rounded up.
func Meter(state []byte, now int64, limits []Limit, cost int64) (next []byte, ttl time.Duration, d Decision, err error) {
	next, ttl, d, err = AppendMeter(nil, state, now, limits, cost)
	return next, ttl, d, err
}

// AppendMeter is Meter that appends what is to be stored to b, which has no part of state, and returns it whole; nil still means that the entry stays as it is. A store that copies what it
// keeps needs no memory for it.
func AppendMeter(b, state []byte, now int64, limits []Limit, cost int64) (next []byte, ttl time.Duration, d Decision, err error) {
	var memory [2 * few]Level
	levels, after := memory[:few], memory[few:]
	if len(limits) > few {
		levels, after = make([]Level, len(limits)), make([]Level, len(limits))
	}
	levels, after = levels[:len(limits)], after[:len(limits)]
	kept, others := arrivals{text: state}, false
	for kept.next() {
		i := kept.indexIn(limits)
		others = others || i < 0
		if i >= 0 && kept.isAfter(now) {
			levels[i] = kept.level(now, limits[i])
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
		next = make([]byte, 0, max(64, len(state)+32))
	}
	next = append(next, meterMagic...)
	last := now
	for kept = (arrivals{text: state}); others && kept.next(); {
		if a := kept.within(now); a.isAfter(now) && a.indexIn(limits) < 0 {
			next = a.append(append(next, ' '))
			last = max(last, ceil(Level{a.at, a.rest}))
		}
	}
	for i, l := range limits {
		if after[i] != (Level{}) {
			a := arrival{at: now + after[i].Micros, rest: after[i].Rest, of: l.Requests}
			next = a.appendNumbers(append(append(next, ' '), url.QueryEscape(l.Name)...))
			last = max(last, ceil(Level{a.at, a.rest}))
		}
	}
	return next, time.Duration(last-now) * time.Microsecond, d, nil
}

// arrival is the theoretical arrival time of one limit.
type arrival struct {
	name         []byte // escaped
	at, rest, of int64
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
		if string(a.name) == url.QueryEscape(limits[i].Name) {
			return i
		}
	}
	return -1
}

func (a *arrival) append(b []byte) []byte { return a.appendNumbers(append(b, a.name...)) }

func (a *arrival) appendNumbers(b []byte) []byte {
	b = append(strconv.AppendInt(append(b, ':'), a.at, 10), ':')
	b = append(strconv.AppendInt(b, a.rest, 10), ':')
	return strconv.AppendInt(b, a.of, 10)
}

// maxDigits is how long math.MaxInt64 is.
const maxDigits = 19

// read reads what append writes.
func (a *arrival) read(s []byte) bool {
	var ok bool
	if a.name, s, ok = bytes.Cut(s, []byte{':'}); !ok {
		return false
	}
	if bytes.IndexByte(a.name, '%') >= 0 {
		if _, err := url.QueryUnescape(string(a.name)); err != nil {
			return false
		}
	}
	for _, to := range [...]*int64{&a.at, &a.rest, &a.of} {
		digits, n := 0, uint64(0)
		for ; digits < len(s) && digits < maxDigits && '0' <= s[digits] && s[digits] <= '9'; digits++ {
			n = 10*n + uint64(s[digits]-'0')
		}
		if digits == 0 || n > math.MaxInt64 {
			return false
		}
		*to = int64(n)
		if s = s[digits:]; to == &a.of {
			break
		}
		if len(s) == 0 || s[0] != ':' {
			return false
		}
		s = s[1:]
	}
	if len(s) != 0 {
		return false
	}
	return a.rest == 0 || a.rest < a.of
}

// arrivals reads a state, one arrival after the other.
type arrivals struct {
	arrival

	text   []byte // what is left
	begun  bool
	failed bool // the state is none of Meter's
}

func (r *arrivals) next() bool {
	if !r.begun {
		r.begun = true
		if r.text == nil {
			return false
		}
		var ok bool
		if r.text, ok = bytes.CutPrefix(r.text, []byte(meterMagic)); !ok {
			r.failed = true
			return false
		}
	}
	if len(r.text) == 0 {
		return false
	}
	end := len(r.text)
	if i := bytes.IndexByte(r.text[1:], ' '); i >= 0 {
		end = 1 + i
	}
	r.failed = r.text[0] != ' ' || !r.read(r.text[1:end])
	r.text = r.text[end:]
	return !r.failed
}
