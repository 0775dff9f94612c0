package main

import (
	"math/rand/v2"
	"time"
	"unsafe"

	"github.com/larder-go/larder/cache"
)

// What one entry of the memory comparisons is.
const (
	memoryKeySize   = 20
	memoryValueSize = 128
)

// memoryKeys are keys of memoryKeySize bytes in one string, so that a million of them are one object to the collector, without pointers.
type memoryKeys struct{ text string }

func newMemoryKeys(n int) memoryKeys {
	text := make([]byte, 0, n*memoryKeySize)
	for i := range n {
		key := append(text[len(text):], "item:000000000000000"...)
		for digit := memoryKeySize - 1; i > 0; digit-- {
			key[digit] = byte('0' + i%10)
			i /= 10
		}
		text = text[:len(text)+memoryKeySize]
	}
	return memoryKeys{string(text)}
}

func (k memoryKeys) at(n int) string { return k.text[n*memoryKeySize : (n+1)*memoryKeySize] }

// bytesOf is the key for a library that takes bytes, without a copy. None of them writes to it.
func bytesOf(key string) []byte { return unsafe.Slice(unsafe.StringData(key), len(key)) }

// A memorySequence is what the calls on a store of so many entries do, drawn beforehand: tables without pointers, which the calls go
// through round and round. It is the same for all contenders and in all runs.
type memorySequence struct {
	capacity int
	still    bool     // lifetimes are drawn as if all writes came at one moment
	random   []uint32 // an entry of the capacity's
	spread   []uint32 // milliseconds, up to twice the capacity
}

func newMemorySequence(capacity int) *memorySequence {
	random := rand.New(rand.NewPCG(1, 2))
	length := sequenceLength(capacity)
	s := &memorySequence{capacity: capacity, random: make([]uint32, length), spread: make([]uint32, length)}
	for i := range length {
		s.random[i] = random.Uint32N(uint32(capacity))
		s.spread[i] = random.Uint32N(2 * uint32(capacity))
	}
	return s
}

// sequenceLength is a power of two, and more than what is drawn from where a million entries are the most.
func sequenceLength(capacity int) int {
	const least, most = 1 << 12, 1 << 20
	length := least
	for length < most && length < 4*capacity {
		length *= 2
	}
	return length
}

// The mix of reads and writes: ten times as many keys as fit, of which few are popular.
const (
	readsAWrite  = 9
	zipfExponent = 1.01
	zipfKeys     = 10 // times the capacity
)

// newMix draws the keys of the mix, many times as many as fit.
func newMix(capacity int) []uint32 {
	random := rand.New(rand.NewPCG(5, 6))
	zipf := rand.NewZipf(random, zipfExponent, 1, zipfKeys*uint64(capacity)-1)
	place := random.Perm(zipfKeys * capacity) // so that the popular ones don't lie side by side
	mix := make([]uint32, sequenceLength(zipfKeys*capacity))
	for i := range mix {
		mix[i] = uint32(place[zipf.Uint64()])
	}
	return mix
}

// writeAt is how many calls from the at-th one on the mix next writes. When the drawn keys come again, others of them are written.
func writeAt(at, length int) int {
	const period = 1 + readsAWrite
	return (period - (at+at/length)%period) % period
}

// lifetime is that of the entry that the i-th write sets, or forever. Time seems to flow by a millisecond a write, and how long an entry stays differs
// by up to twice the capacity in writes: the earliest expiry lies anywhere in memory, and a new entry is hardly ever the next to go.
func (s *memorySequence) lifetime(i int, permanent bool) time.Duration {
	if permanent {
		return cache.Forever
	}
	if s.still {
		return s.stillLifetime(i)
	}
	return time.Hour + time.Duration(i+int(s.spread[i&(len(s.spread)-1)]))*time.Millisecond
}

// stillLifetime is between a minute and an hour and a minute, whenever the write comes. At the speed of these comparisons that is what lifetimes of such a length
// are to a real clock too: a store that is full comes to hold the longest of them, and most new entries are the next to go.
func (s *memorySequence) stillLifetime(i int) time.Duration {
	return time.Minute + time.Duration(s.spread[i&(len(s.spread)-1)])*(time.Hour/time.Duration(2*s.capacity))
}

// firstLifetime is that of the i-th entry that fills the store: as if the writes had gone on for ever. Of those that are left then, few expire late:
// the lesser of two draws is distributed so.
func (s *memorySequence) firstLifetime(i int, permanent bool) time.Duration {
	if permanent {
		return cache.Forever
	}
	if s.still {
		return s.stillLifetime(i)
	}
	mask := len(s.spread) - 1
	left := min(s.spread[i&mask], s.spread[(i+len(s.spread)/2)&mask])
	return time.Hour + time.Duration(s.capacity+int(left))*time.Millisecond
}
