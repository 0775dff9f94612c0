package filestore

import (
	"encoding/binary"
	"hash/crc32"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

const (
	// maxMappings is how many files are mapped at once: a quarter of the 65,530 mappings that Linux lets a process have.
	maxMappings = 16_384
	// maxMappedBytes is how many bytes they have. They are pages of the system's cache, not the process's own; but a file that was overwritten or removed
	// keeps its place on the disk as long as it is mapped.
	maxMappedBytes = 1 << 30
	// sightings is how many keys are remembered that were read once. A key that is read again is mapped: to map a file and to undo it takes longer than to
	// read it.
	sightings = 1 << 14
	// looks is how many mappings are looked at for one that has not been used lately.
	looks = 8
)

// mappings are files that were read more than once, in memory. The file of an entry never changes: an entry that is written has another. So as long as the
// generation is the one under which a file was opened, its bytes are those of the entry.
type mappings struct {
	sys   *system
	inUse sync.WaitGroup // a reader each

	mu     sync.Mutex
	closed bool
	index  map[hash]int32 // in slots; without pointers, which would cost the garbage collector a look at each
	slots  []mapping
	free   []int32
	hand   int // the next slot to be looked at for a victim
	bytes  int64
	seen   [sightings]uint64
}

// mapping is one file in memory.
type mapping struct {
	hash        hash
	bytes       []byte
	id          fileID
	generations *generations
	generation  uint64 // never unusable

	// Of mappings.mu:
	readers int32
	used    bool // since somebody looked for one that has not been
	dropped bool // not in the index any more: undone with the last reader
}

func newMappings(sys *system) *mappings {
	return &mappings{sys: sys, index: make(map[hash]int32)}
}

// take returns a copy of the mapping of a key, and its slot, until give.
func (m *mappings) take(h *hash) (f mapping, slot int32, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, slot, found = m.hold(h)
	if found {
		m.slots[slot].used = true
	}
	return f, slot, found
}

// hold is take for somebody who does not read.
func (m *mappings) hold(h *hash) (f mapping, slot int32, found bool) {
	slot, found = m.index[*h]
	if !found {
		return mapping{}, 0, false
	}
	at := &m.slots[slot]
	at.readers++
	m.inUse.Add(1)
	return *at, slot, true
}

// give ends the use of a mapping, and with stale its place in the index.
func (m *mappings) give(slot int32, stale bool) {
	defer m.inUse.Done()
	m.mu.Lock()
	var undo []byte
	at := &m.slots[slot]
	at.readers--
	if stale && !at.dropped {
		m.drop(slot)
	}
	if at.dropped && at.readers == 0 {
		undo = m.vacate(slot)
	}
	m.mu.Unlock()
	m.unmap(undo)
}

// drop takes a mapping out of the index.
func (m *mappings) drop(slot int32) {
	at := &m.slots[slot]
	delete(m.index, at.hash)
	m.bytes -= int64(len(at.bytes))
	at.dropped = true
}

// vacate gives a slot back that nobody uses, and returns what is to be unmapped.
func (m *mappings) vacate(slot int32) []byte {
	undo := m.slots[slot].bytes
	m.slots[slot] = mapping{}
	m.free = append(m.free, slot)
	return undo
}

func (m *mappings) unmap(all ...[]byte) {
	for _, b := range all {
		if b != nil {
			_ = m.sys.unmap(b)
		}
	}
}

// wants tells whether the key was read before, lately, and remembers it.
func (m *mappings) wants(h *hash) bool {
	number := binary.LittleEndian.Uint64(h[8:])
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	if seen := &m.seen[number%sightings]; *seen != number {
		*seen = number
		return false
	}
	return true
}

// add maps a file in d, which is open, as that of a key. Where that cannot be nothing is lost: it is read each time.
func (m *mappings) add(d *directory, h *hash, file int, i info, g *generations, generation uint64) {
	b, err := m.sys.mmap(file, int(i.size))
	if err != nil {
		return
	}
	m.unmap(m.put(d, mapping{hash: *h, bytes: b, id: i.id, generations: g, generation: generation, used: true})...)
}

// put makes room for f and returns what is to be unmapped for it. From a directory that was replaced it takes none: forget may have been there.
func (m *mappings) put(d *directory, f mapping) (undo [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || d.replaced.Load() {
		return [][]byte{f.bytes}
	}
	if slot, found := m.index[f.hash]; found {
		undo = append(undo, m.discard(slot))
	}
	for len(m.index) >= maxMappings || m.bytes+int64(len(f.bytes)) > maxMappedBytes {
		undo = append(undo, m.discard(m.victim()))
	}
	var slot int32
	if last := len(m.free) - 1; last >= 0 {
		slot, m.free = m.free[last], m.free[:last]
		m.slots[slot] = f
	} else {
		slot = int32(len(m.slots))
		m.slots = append(m.slots, f)
	}
	m.index[f.hash] = slot
	m.bytes += int64(len(f.bytes))
	return undo
}

// discard drops a mapping and returns what is to be unmapped.
func (m *mappings) discard(slot int32) []byte {
	m.drop(slot)
	if m.slots[slot].readers > 0 {
		return nil
	}
	return m.vacate(slot)
}

// victim returns the slot of a mapping that has not been used lately, by second chance. There is one.
func (m *mappings) victim() int32 {
	for looked := 0; ; {
		m.hand = (m.hand + 1) % len(m.slots)
		at := &m.slots[m.hand]
		if at.bytes == nil || at.dropped {
			continue
		}
		if looked++; !at.used || looked == looks {
			return int32(m.hand)
		}
		at.used = false
	}
}

// doubt drops the mappings that are not the files of their names any more, as told by is: somebody has removed or replaced them who is no store.
func (m *mappings) doubt(is func(h *hash, id fileID, size int64) bool) {
	m.mu.Lock()
	all := make([]hash, 0, len(m.index))
	for h := range m.index {
		all = append(all, h)
	}
	m.mu.Unlock()
	for i := range all {
		m.mu.Lock()
		f, slot, found := m.hold(&all[i])
		m.mu.Unlock()
		if found {
			m.give(slot, !is(&f.hash, f.id, int64(len(f.bytes))))
		}
	}
}

// age drops the mappings whose files have changed, so that the disk gets its place back, and with idle those that were not used since it was called so the
// last time.
func (m *mappings) age(now *generations, idle bool) {
	var undo [][]byte
	m.mu.Lock()
	for slot := range m.slots {
		at := &m.slots[slot]
		if at.bytes == nil || at.dropped {
			continue
		}
		if idle && !at.used || at.generations != now || now.of(at.hash.word()) != at.generation {
			undo = append(undo, m.discard(int32(slot)))
		} else if idle {
			at.used = false
		}
	}
	m.mu.Unlock()
	m.unmap(undo...)
}

// forget drops the mappings of a shard.
func (m *mappings) forget(shard int) {
	var undo [][]byte
	m.mu.Lock()
	for h, slot := range m.index {
		if h.shard() == shard {
			undo = append(undo, m.discard(slot))
		}
	}
	m.mu.Unlock()
	m.unmap(undo...)
}

// close drops all mappings; those in use are undone with their last reader.
func (m *mappings) close() {
	m.mu.Lock()
	m.closed = true
	var undo [][]byte
	for _, slot := range m.index {
		undo = append(undo, m.discard(slot))
	}
	m.mu.Unlock()
	m.unmap(undo...)
}

// read appends the value to dst, or only checks it where it is not wanted, if the bytes still are those of the entry of key. Somebody may have cut the file
// short, or that of the generations; the system then refuses the pages that are gone, which Go makes a panic of where it is asked to.
func (f *mapping) read(dst []byte, key string, wanted bool) (value []byte, h head, ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if !ok && recover() != nil {
			value = dst
		}
	}()
	if f.generations.words[f.hash.word()].Load() != f.generation {
		return dst, head{}, false
	}
	h, k := decodeHead(f.bytes, int64(len(f.bytes)))
	if k != whole || string(h.keyIn(f.bytes)) != key {
		return dst, head{}, false
	}
	from := h.valueIn(f.bytes)
	if !wanted {
		return dst, h, sum(from) == h.valueSum
	}
	value, sum := appendSum(dst, from)
	if sum != h.valueSum {
		return dst, head{}, false
	}
	return value, h, true
}

// appendSum appends from to dst, and returns the sum of what it appended: from could change between a copy and a sum of it. Piece by piece where it is long, for the
// sum then finds them in the processor's cache, which a copy of 1 MiB goes past.
func appendSum(dst, from []byte) (all []byte, sum uint32) {
	const piece = 64 << 10
	if len(from) <= 2*piece {
		all = append(dst, from...)
		return all, crc32.Checksum(all[len(dst):], castagnoli())
	}
	if dst == nil {
		all = uncleared(len(from))
	} else {
		all = slices.Grow(dst, len(from))
	}
	for part := range slices.Chunk(from, piece) {
		at := len(all)
		all = append(all, part...)
		sum = crc32.Update(sum, castagnoli(), all[at:])
	}
	return all, sum
}

// uncleared returns an empty slice with room for n bytes, 1 or more. Unlike what make and slices.Grow return, its memory was not filled with zeros, which takes
// a third as long as to copy over them. The builder is the one way to such memory; nobody else has it, nor a string of it.
func uncleared(n int) []byte {
	var b strings.Builder
	b.Grow(n)
	_ = b.WriteByte(0) // never fails; of an empty string there is no pointer
	return unsafe.Slice(unsafe.StringData(b.String()), n)[:0]
}
