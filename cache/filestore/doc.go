// Package filestore is the cache in the files of a directory: for data that is larger or lives longer than memory, or must outlast a restart, on one machine
// without a server. Any number of processes may use a directory at once.
//
// The directory must be on a file system of this machine (ext4, XFS, Btrfs, ZFS, tmpfs, APFS, UFS …). On one that several machines mount, as with NFS, processes on
// different machines do not see each other's writes.
//
// # What survives
//
// A process that is killed, at whatever moment, loses nothing of what was stored, and leaves no entry unreadable: an entry's file is written beside the old
// one and put in its place by one rename. What was being written stays as a temporary file until the next sweep.
//
// When the machine loses its power it depends on [Options].Sync, on a disk that does what fsync asks for:
//
//   - [SyncNone]: writes of about the last half minute may be lost. An entry that was overwritten then is a new one, the old one or absent; one that was deleted may
//     be back.
//   - [SyncFile]: the same, but an entry that was on the disk and was overwritten is a new one or the old one: its bytes were on the disk before it got its name.
//   - [SyncFull]: nothing is lost. What a call stored, deleted or cleared stays so once it has returned nil; one that was under way has taken effect or not.
//
// Never is a value returned that was not stored under that key: every file has its key and two checksums, and what does not agree with them is a miss.
//
// # What is removed
//
// Of expired entries the files are removed by whoever finds one, by DeleteExpired, and by a sweep in the background from [Open] to Close. It begins a second after Open and
// then each minute, reads the heads of the files and not their values, and takes a fiftieth of a processor: so it gets through a million entries in about five minutes. Of several
// processes one sweeps at a time.
//
// MaxBytes is held by the sweep, not by each write. It removes the entries that expire first, permanent ones last, among equals the one stored longest ago, until a
// sixteenth of MaxBytes is free. A process whose own writes may have gone past the limit begins a sweep at once, which does not rest; what is
// written until it is through comes on top. At a million entries that is some ten seconds where the system has the files in its cache, and
// as long as the disk takes for a million small reads where not.
//
// # What is left alone
//
// All that is a store's is in the directory larder.v1 below its own, and has a name as FORMAT.md says. What else is in either is never opened for writing, overwritten or
// removed, and neither is a file with such a name that does not begin as ours do; except that a Set puts the file of its key in the place of whatever file has that name, 64 hexadecimal
// digits of the key's SHA-256. No symbolic link is followed below the directory that Open was given. Directories are made for their owner alone (0700), files too (0600).
// No key is part of a name.
//
// # Time
//
// Lifetimes follow the wall clock, which is the one that processes share: they are exact to the nanosecond, and a step of the clock ends entries early or late.
// After a step back, what failed invalidations cover is unsure for as long as the step was.
//
// # Errors
//
// What the system refuses (no space, no permission, a read-only file system, too many open files, a directory that was removed) is [cache.ErrUnavailable] with the system's
// own words, and after a Set the old value stands. A Set that timed out may still take effect, and so counts as a failed
// invalidation, as a Delete or Clear does that failed for any reason: what was stored until then counts as absent in this process.
//
// A system call cannot be called off. Where the file system hangs, a call returns when its time is over, and what it was doing is left behind; 64
// of these are the most that there can be, and further calls give an error.
//
// A mapped file whose pages the system has given up is read as memory is: that waits for the disk too, without a bound, and so may the collector meanwhile.
//
// A process that was stopped (SIGSTOP, a debugger) in the middle of a write keeps the writers of a 64th of the keys waiting, until their time is over. Readers go on.
//
// # Structure
//
//	key ──SHA-256──► 9c 56 cc 51 …
//	                 │  │
//	                 │  └── which of a shard's 256 generations
//	                 └───── which of 64 shards: the lower six bits
//
//	dir/larder.v1/1c/9c56cc51…   one file: header, key, value (FORMAT.md)
//	dir/larder.v1/1c             the shard; its lock is a flock on the directory
//	dir/larder.v1/generations    memory that the processes share
//
// Writers take the lock of a shard: in the process in turn, then among processes. Readers take none: they open the file by its name, which is there in whole or not at all. Only one that
// finds the entry expired takes it, and looks once more: a writer may be renewing it.
//
// A file that is read a second time is mapped into memory. Entries' files never change, so all that a further read must know is whether the name still leads to
// that file: it does while the entry's generation is the same, a number that each writer changes. So reading again what nobody has overwritten takes no system call and no
// lock that a writer holds. Up to 16,384 files with 1 GiB are mapped; those are pages of the system's cache and no memory of the process, though the system counts them as resident.
//
// Who removes or replaces files by hand, beside the stores, is seen within ten seconds where they are mapped, and at once where they are not. Where somebody removes the generations
// twice during one write, other processes may read the value before it from memory for a second.
//
// What may wait for the file system runs in a goroutine of its own, so that its caller need not.
package filestore
