package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// Store is a [cache.Store] in the files of a directory, with every capability. All methods are safe for concurrent use, also with other stores
// on the same directory, in this process and in others.
type Store struct {
	root     string
	sync     Sync
	maxBytes int64
	timeout  time.Duration
	sys      system
	shards   [shards]*shard
	shared   shared
	mapped   *mappings
	failed   *failures
	room     room
	sweeper  *sweeper
	running  chan struct{} // a token for each operation that waits for the file system

	mu     sync.Mutex // orders join and Close
	closed atomic.Bool
	users  sync.WaitGroup
}

var (
	_ cache.Store   = (*Store)(nil)
	_ cache.Statter = (*Store)(nil)
)

// Open returns the store in the directory dir, which is made if it is not there. It reads none of the entries. All that is the store's is in
// dir/larder.v1; what else is in dir is left alone. A nil o is the default options. The store works in the background until it is closed.
func Open(dir string, o *Options) (*Store, error) {
	s, err := openWith(direct(), dir, o)
	if err != nil {
		return nil, fmt.Errorf("filestore: open: %w", err)
	}
	return s, nil
}

func openWith(sys system, dir string, o *Options) (*Store, error) {
	options, err := o.resolve()
	if err != nil {
		return nil, err
	}
	if !supported {
		return nil, fmt.Errorf("%w: this system has no flock and no mmap", errors.ErrUnsupported)
	}
	if dir == "" {
		return nil, errors.New("the directory has no name")
	}
	root, err := filepath.Abs(dir) // the program may change its directory
	if err != nil {
		return nil, err
	}
	s := &Store{
		root: root, sync: options.Sync, maxBytes: options.MaxBytes, timeout: options.Timeout, sys: sys,
		failed: newFailures(), room: room{maxBytes: options.MaxBytes}, running: make(chan struct{}, maxRunning),
	}
	s.shared = shared{sys: &s.sys, root: root, full: s.sync == SyncFull}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	s.mapped = newMappings(&s.sys)
	for n := range s.shards {
		s.shards[n] = newShard(s, n)
	}
	s.sweeper = newSweeper(s)
	go s.sweeper.run()
	return s, nil
}

// prepare makes the directories, so that what stands in the way is seen now.
func (s *Store) prepare() error {
	err := os.MkdirAll(s.root, 0o700)
	if err != nil {
		return err
	}
	if s.sync == SyncFull {
		if err := s.syncAbove(); err != nil {
			return err
		}
	}
	if err = s.shared.renew(); err == nil {
		err = s.writable()
	}
	if refusal, ok := errors.AsType[*refusal](err); ok {
		return errors.Unwrap(refusal)
	}
	return err
}

// writable tells why nothing can be written.
func (s *Store) writable() error {
	base, err := openBase(&s.sys, s.root, false, false)
	if errors.Is(err, errNoShard) {
		return nil // it is made by the next write
	}
	if err != nil {
		return err
	}
	defer func() { _ = s.sys.close(base) }()
	return refused(fmt.Sprintf("nothing can be written in %q", filepath.Join(s.root, layout)), s.sys.writable(base))
}

// syncAbove syncs the names of the directory and of those above it, which may be new as well. One that may not be read is not ours, and was there.
func (s *Store) syncAbove() error {
	for dir := filepath.Dir(s.root); ; dir = filepath.Dir(dir) {
		err := s.syncPath(dir)
		if errors.Is(err, errDenied) || err == nil && dir == filepath.Dir(dir) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the directory %q cannot be synced: %w", dir, err)
		}
	}
}

func (s *Store) syncPath(path string) error {
	dir, err := s.sys.openPath(path)
	if err != nil {
		return err
	}
	defer func() { _ = s.sys.close(dir) }()
	return s.sys.sync(dir)
}

// Ping tells whether the directory is there and can be written to. It writes nothing, so it does not see that the disk is full.
func (s *Store) Ping(ctx context.Context) error {
	_, err := run(ctx, s, nil, func(context.Context) (struct{}, error) { return struct{}{}, s.writable() })
	return opError("ping", "", err)
}

// Stats returns the store's figures. How many entries there are, and how large, only the files could tell: -1.
func (s *Store) Stats(ctx context.Context) (cache.Stats, error) {
	if err := s.begin(ctx); err != nil {
		return cache.Stats{}, opError("stats", "", err)
	}
	return cache.Stats{Entries: -1, Bytes: -1, Evictions: s.room.evictions.Load(), Pending: s.failed.marks.Load()}, nil
}

// Close ends the work in the background and gives back what the store holds of the system. It waits for operations that are under way, as long as the timeout;
// what a file system that hangs keeps longer is given back when it has answered. The entries stay. It is idempotent.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed.Swap(true)
	s.mu.Unlock()
	if !first {
		return nil
	}
	s.sweeper.end()
	s.mapped.close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-s.sweeper.ended
		s.users.Wait()
		s.mapped.inUse.Wait()
		for _, sh := range s.shards {
			sh.close()
		}
		s.shared.close()
	}()
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	return nil
}
