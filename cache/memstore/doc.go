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
// # Where this order serves badly
//
// It does not ask how often an entry is read. Where popular keys have short lifetimes and unpopular ones long, a full store
// keeps the unpopular: of a hundred reads by Zipf's law (1.01), with room for a tenth of the keys, 10 found their entry where the order of
// last use (LRU) found 73. With lifetimes that have nothing to do with popularity, or are all the same, it was 71 to 75; where
// popular keys live longer, 75 to 75. So give keys that differ in this stores of their own, or lifetimes that fit their worth, or room for
// all. And where new keys come much faster than old ones expire, a full store comes to hold the longest lifetimes: a new key with a shorter
// one than all of them is the next to go.
//
// # Time
//
// Lifetimes are exact to the nanosecond and follow the monotonic clock: a step of the wall clock neither ends nor
// prolongs an entry, and time in which the process was stopped counts. (On Linux time in which the whole machine was suspended does
// not.) A lifetime counts from the moment at which the call that sets it began. At its expiry an entry is gone for every operation. A Get reads
// the clock once, and only of an entry that can expire.
//
// The memory of what has expired comes back though nobody reads or writes: the janitor, a timer that is set while there are entries that can expire or much was removed, removes them
// from about a second after, 25,000 to 50,000 of a million a second. Besides, each new key removes one, whoever finds one removes it, and DeleteExpired
// removes all at once.
//
// # Memory
//
// MaxBytes counts entries, not what the process has in use for them. Values of 1 B to 64 KiB at random took 1.1 times a limit of 64 MiB and more, 1.15 times one
// of 16 MiB, and 1.4 to 1.8 times one of 1 MiB; of 1 B to 4,000 B up to 2.3 times that: rooms are rounded up by up to an eighth, each size has a page of its own, and up to
// 64 rooms wait to be looked at. The smallest store with an entry takes about 120 KB.
//
// A page stays as long as one record in it does. So where more than a sixth of the rooms of one size are free, the records of sparse pages move to others, two
// with each entry that goes or is overwritten, and beside that the janitor sees to it: memory was 1.3 times the limit after sizes had drifted from 40 to 1,000 bytes in a full store,
// though one entry in 500 was permanent.
//
// Entries of up to 4 KiB have pages of 32 GiB together at most, whatever the limits. Beyond that they evict each other, one that is overwritten or
// renewed another too, since it needs a second room for a moment; for the same reason a Take may be refused there. A new one of another size than those that are there may evict very many, for it
// needs a whole page.
//
// # Structure
//
// There are four parts. The shards find a record by its key, the arena holds the records, the order knows the next victim; values that are long are slices
// of their own.
//
//	hash of "item:1"                        arena: pages without pointers, cut into rooms
//	  │                                     ┌──────────────┬──────────────┬──────────────┐
//	  ├─ shard ─┐                           │ record       │ record       │ (free)       │
//	  │         ▼                           ├──────────────┴──┬───────────┴─────┬────────┘
//	  │   ┌ shard ──────────────┐           │ record          │ record          │
//	  │   │                     │           └─────────────────┴─────────────────┘
//	  │   │ table of buckets    │  ref            ▲ a record:
//	  └──►│  tags … refs …  ────┼─────────────────┤ expires │ serial, lengths │ slot │ key │ value
//	      │ large: long values  │                 │
//	      └─────────────────────┘                 │ ref
//	                                 order: a heap, the next victim on top
//	 places: slot → position         ┌──────────────────────┐
//	 ┌───┬───┬───┬───┐               │ expires │ ref │ slot │
//	 │   │   │   │   │──────────────►├──────────┬───────────┴┬───
//	 └───┴───┴───┴───┘               │ …        │ …          │ …   four children each
//
// A hash chooses the shard with its upper bits, the bucket with its middle ones, and its lower eight are the tag that is compared
// before any record is looked at. A ref is 32 bits, the number of a page and the place within it. An entry's slot is a number that stays
// its own while its record moves and its node rises and sinks; so the order can be told that an entry was removed or has another expiry,
// without a search.
//
// Nothing here but the long values and the pages themselves is a pointer, so the garbage collector has next to nothing to do, however many
// entries there are. No operation rebuilds the whole: tables grow shard by shard, the arrays of the order page by page, and pages of the
// arena that become empty go back to the collector.
//
// # Concurrency
//
// One mutex orders all writes: the order of eviction is one for the whole store, and so is its owner. Reads take no part in that, and
// hold nobody up. A record never changes while readers can find it: an entry that is overwritten, renewed or moved gets another record in
// another room, and its cell in the table is given the new ref. A reader who has found a ref takes a seat and says there which room it is
// about; if the table still has the ref then, the room is the reader's until it leaves. The room of a record that was taken out of the table
// goes to the limbo, and is used again when nobody sits there for it; see readers and limbo. A reader that has lost its processor there keeps nobody waiting
// but Close; only who looks up a value beyond 4 KiB holds a lock for that moment. One that finds sixteen seats taken reads with the mutex. A reader that finds an entry expired takes
// the mutex, looks once more and removes it: a writer may be renewing it at that moment, and the two must agree.
//
// These hold whenever the mutex is free, and the tests check them after every operation: the refs in the tables are those in the order; a
// record's slot, its node and places agree; no node goes before its parent; a bucket counts exactly the refs that had to pass it; every room
// of a page is an entry's or in the limbo, in the page's list of free ones, or never was used; the accounted bytes are the sum over the entries; neither limit is
// exceeded.
//
// Reading costs O(1), writing an entry O(log n). What handles many entries (Clear, Keys, DeleteExpired and the …Many) does
// so in batches, between which others go on; Clear and Keys look at all entries, whatever the prefix.
package memstore
