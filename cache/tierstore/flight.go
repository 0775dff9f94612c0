package tierstore

import (
	"hash/maphash"
	"sync"
)

// flights are the reads and writes of the far store that are under way, by key. They decide whether what a read brings may be kept near.
//
// A read may be older than a change that this process has already seen, so it is kept only if, since it began, nothing was said of the key, nobody here wrote it and
// no other read of it has ended. The last is for those who read here: of two reads that overlap the later may have ended first, and what a
// third finds near must not be older than that.
type flights struct {
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	mu     sync.Mutex
	keys   map[string]*flight
	resets uint64
	closed int // while there are some, nothing is kept
	_      [64 - 40]byte
}

// flight is what is under way for one key.
type flight struct {
	users   int // reads and writes under way
	writes  int
	version uint64 // goes up with whatever makes the reads under way too old
}

// ticket is a read's.
type ticket struct {
	shard   *shard
	key     string
	flight  *flight
	version uint64
	resets  uint64
}

func newFlights() *flights {
	f := &flights{seed: maphash.MakeSeed()}
	for i := range f.shards {
		f.shards[i].keys = make(map[string]*flight)
	}
	return f
}

func (f *flights) shard(key string) *shard {
	return &f.shards[maphash.String(f.seed, key)%uint64(len(f.shards))]
}

// join counts a read or a write of key. The shard is locked.
func (s *shard) join(key string) *flight {
	fl := s.keys[key]
	if fl == nil {
		fl = &flight{}
		s.keys[key] = fl
	}
	fl.users++
	return fl
}

func (s *shard) leave(key string, fl *flight) {
	if fl.users--; fl.users == 0 {
		delete(s.keys, key)
	}
}

// read begins a read of key from the far store.
func (f *flights) read(key string) ticket {
	s := f.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	fl := s.join(key)
	return ticket{shard: s, key: key, flight: fl, version: fl.version, resets: s.resets}
}

// end ends a read. It calls settle before anybody else can say anything of the key, and tells it whether what was read is the newest that anybody here knows of.
func (t ticket) end(settle func(newest bool)) {
	s, fl := t.shard, t.flight
	s.mu.Lock()
	defer s.mu.Unlock()
	settle(fl.version == t.version && fl.writes == 0 && s.resets == t.resets && s.closed == 0)
	fl.version++
	s.leave(t.key, fl)
}

// beginWrite has drop called for key, and nothing kept under it until endWrite.
func (f *flights) beginWrite(key string, drop func(string)) {
	s := f.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	fl := s.join(key)
	fl.writes++
	fl.version++
	drop(key)
}

// endWrite lets what is read from now on be kept again.
func (f *flights) endWrite(key string) {
	s := f.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	fl := s.keys[key]
	fl.writes--
	fl.version++
	s.leave(key, fl)
}

// changed has drop called for key, and keeps nothing that is being read.
func (f *flights) changed(key string, drop func(string)) {
	s := f.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if fl := s.keys[key]; fl != nil {
		fl.version++
	}
	drop(key)
}

// reset makes all reads under way too old. Whoever was about to keep something has done so when it returns.
func (f *flights) reset() { f.all(func(s *shard) { s.resets++ }) }

// close lets nothing be kept until open.
func (f *flights) close() {
	f.all(func(s *shard) {
		s.resets++
		s.closed++
	})
}

// open ends a close.
func (f *flights) open() {
	f.all(func(s *shard) {
		s.resets++
		s.closed--
	})
}

func (f *flights) all(do func(*shard)) {
	for i := range f.shards {
		s := &f.shards[i]
		s.mu.Lock()
		do(s)
		s.mu.Unlock()
	}
}
