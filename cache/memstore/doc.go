// Package memstore is the cache in memory: bounded, private to the process, empty at every start.
//
// # What is evicted
//
// MaxEntries is never exceeded, not for an instant and not by one. A new key in a full store evicts the entry with the
// earliest expiry: expired ones go first, permanent ones last, and among equals the one that was set longest ago. A new
// key is always stored, though it would itself expire first. Overwriting never evicts, but where MaxBytes needs room for
// the longer value; then others go, in the same order, never the entry itself. That holds for whatever stores: Set, Add,
// Increment, CompareAndSwap.
//
// An entry counts as set whenever its value or its lifetime is written, were it with what it had: an Increment that keeps
// the expiry, a Touch and a GetAndRenew of an entry with a lifetime count, as do Set and CompareAndSwap. What changes nothing
// does not: reading, GetAndRenew of a permanent entry, a comparison that fails, a Take that takes nothing.
//
// Take alone evicts nobody: where only unexpired entries are in its way it gives [cache.ErrUnavailable], for a fresh
// allowance at somebody's cost would be no limit. But a Set may evict what Take keeps, as any entry. Limits that must
// hold need a store of their own.
//
// Mind what this order means: where popular keys have short lifetimes and unpopular ones long, a full store keeps the
// unpopular. Give such keys stores of their own, or lifetimes that fit their worth, or room for all.
//
// # Time
//
// Lifetimes are exact to the nanosecond and follow the monotonic clock: a step of the wall clock neither ends nor
// prolongs an entry. At its expiry an entry is gone for every operation. Its memory is given back by the writes that
// follow, whatever their keys, each of which removes at most two expired entries for every key it has; or at once by
// DeleteExpired.
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
// Reading costs O(1), writing an entry O(log n). What handles many entries (Clear, Keys, DeleteExpired and the …Many) does
// so in batches of up to 256, between which others go on; Clear and Keys look at all entries, whatever the prefix.
package memstore
