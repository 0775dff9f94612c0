// Package memstore is the cache in memory: bounded, private to the process, empty at every start.
//
// # What is evicted
//
// MaxEntries is never exceeded, not for an instant and not by one. A new key in a full store evicts the entry with the
// earliest expiry: expired ones go first, permanent ones last, and among equals the one that was set longest ago. A new
// key is always stored, though it would itself expire first. Overwriting never evicts, but where MaxBytes needs room for
// the longer value; then others go, in the same order, never the entry itself.
//
// Mind what this order means: where popular keys have short lifetimes and unpopular ones long, a full store keeps the
// unpopular. Give such keys stores of their own, or lifetimes that fit their worth, or room for all.
//
// # Time
//
// Lifetimes are exact to the nanosecond and follow the monotonic clock: a step of the wall clock neither ends nor
// prolongs an entry. At its expiry an entry is gone for every operation. Its memory is given back by the writes that
// follow, whatever their keys, each of which removes at most two expired entries.
//
// # Structure
//
// A map finds an entry by its key; a heap ordered by expiry finds the one to evict. Both point at the same entries,
// each of which knows its place in the heap, under one lock:
//
//	entries  map[string]*entry        order  []*entry (heap)
//	"item:1" ────────────┐            [0]  earliest expiry
//	"item:2" ─────────┐  └──────────► [1]
//	                  └─────────────► [2]  … permanent ones sink to the bottom
//
// Get costs O(1), Set and Delete O(log n), Clear O(n) in batches between which others go on.
package memstore
