package filestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

// temporary is the end of the name of a file that is being written. Whoever has the lock of its shard may remove it: nobody else is writing there.
const temporary = ".tmp"

// temporaryName returns 16 hexadecimal digits at random and eight of their sum, which proves that the name is ours: what the power has left of the file may not.
func temporaryName() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	digits := hex.EncodeToString(random[:])
	return digits + sumOf(digits) + temporary
}

// isTemporary tells whether name is that of a file that is being written, or was.
func isTemporary(name string) bool {
	digits, found := strings.CutSuffix(name, temporary)
	return found && len(digits) == 24 && isHex(digits) && sumOf(digits[:16]) == digits[16:]
}

func sumOf(digits string) string { return fmt.Sprintf("%08x", sum([]byte(digits))) }

// Set stores a copy of value under key.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.begin(ctx); err != nil {
		return opError("set", key, err)
	}
	err := s.set(ctx, key, value, ttl)
	if err != nil && !standing(err) {
		s.failed.noteKeys(key)
	}
	return opError("set", key, err)
}

func (s *Store) set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.fits(key, value); err != nil {
		return err
	}
	if ttl == cache.KeepTTL {
		return s.keep(ctx, key, bytes.Clone(value))
	}
	now := clock()
	data := encode(key, value, expiry(now, ttl), now)
	p := s.placeOf(key)
	return do(ctx, s, p.shard, func(ctx context.Context) error {
		d, err := p.shard.lock(ctx, true)
		if err != nil {
			return err
		}
		defer d.unlock()
		return s.replace(ctx, d, p, data, now)
	})
}

// keep stores value with the lifetime that the entry has.
func (s *Store) keep(ctx context.Context, key string, value []byte) error {
	_, err := update(ctx, s, key, func(old *entry, now int64) (change, struct{}, error) {
		if old == nil {
			return change{}, struct{}{}, cache.ErrNotFound
		}
		return store(value, old.expires, now), struct{}{}, nil
	})
	return err
}

// Delete removes the entry under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.begin(ctx); err != nil {
		return opError("delete", key, err)
	}
	err := s.delete(ctx, key)
	if err != nil && !errors.Is(err, cache.ErrClosed) {
		s.failed.noteKeys(key)
	}
	return opError("delete", key, err)
}

func (s *Store) delete(ctx context.Context, key string) error {
	p := s.placeOf(key)
	return do(ctx, s, p.shard, func(ctx context.Context) error {
		d, err := p.shard.lock(ctx, false)
		if errors.Is(err, errNoShard) {
			return s.absent(p)
		}
		if err != nil {
			return err
		}
		defer d.unlock()
		f, err := s.headOf(d, p.name, nil)
		if err != nil {
			return err
		}
		if f != nil && f.kind != foreign { // of whatever version
			return s.remove(d, p)
		}
		if f != nil && f.denied { // it may well be the entry
			return unavailable("the entry's file cannot be opened", errDenied)
		}
		// Somebody may have removed it and been killed before he had synced that.
		if err := s.syncNames(d); err != nil {
			return err
		}
		return s.absent(p)
	})
}

// absent is what there is to do for a Delete where there is no file: it may still be mapped, where somebody has removed it by hand.
func (s *Store) absent(p place) error {
	if err := s.shared.now.Load().outdate(p.hash.word()); err != nil {
		return unavailable("nobody can be told that the entry is gone", err)
	}
	s.failed.forgetKey(p.key, permanent)
	return nil
}

// fits reports a value that the store cannot hold, or a key that none of a cache's is.
func (s *Store) fits(key string, value []byte) error {
	if len(value) > cache.MaxValueLen {
		return fmt.Errorf("%w: it has %d bytes; allowed: %d", cache.ErrTooLarge, len(value), cache.MaxValueLen)
	}
	if len(key) > maxKeyLen {
		return fmt.Errorf("%w: it has %d bytes; allowed: %d", cache.ErrInvalidKey, len(key), maxKeyLen)
	}
	if need := weight(int64(headerLen + len(key) + len(value))); s.maxBytes > 0 && need > s.maxBytes {
		return fmt.Errorf("%w: its file takes %d bytes; MaxBytes is %d", cache.ErrTooLarge, need, s.maxBytes)
	}
	return nil
}

// replace makes data the file of a key, in one step, in a directory that is locked. After a refusal what was there stands.
func (s *Store) replace(ctx context.Context, d *directory, p place, data []byte, created int64) error {
	temp, err := s.writeTemporary(d, data)
	if err != nil {
		return err
	}
	before := s.weigh(d, p)
	if err = ctx.Err(); err == nil {
		err = refused("the entry's file cannot be put in its place", s.change(&p.hash, func() error {
			return s.sys.rename(d.fd, temp, p.name)
		}))
	}
	if err != nil {
		_ = s.sys.unlink(d.fd, temp)
		return err
	}
	if err := s.syncNames(d); err != nil {
		return err
	}
	s.failed.forgetKey(p.key, created)
	s.grew(weight(int64(len(data))) - before)
	return nil
}

// change does to a file what f does, and tells those who have it mapped.
func (s *Store) change(h *hash, f func() error) error {
	g := s.shared.now.Load()
	err := g.begin(h.word())
	if err != nil && s.shared.renew() == nil { // somebody has cut its file short just now
		g = s.shared.now.Load()
		err = g.begin(h.word())
	}
	if err != nil {
		return err
	}
	defer func() {
		g.end(h.word())
		// Somebody may have removed the file since the lock was taken, and others have read the entry under a number in the next one.
		if !g.current(&s.sys, s.root) && s.shared.renew() == nil {
			s.shared.now.Load().end(h.word())
		}
	}()
	return f()
}

// writeTemporary writes data to a new file and returns its name.
func (s *Store) writeTemporary(d *directory, data []byte) (name string, err error) {
	name = temporaryName()
	file, err := s.sys.create(d.fd, name)
	if err != nil {
		return "", refused("no file can be made", err)
	}
	err = s.writeAll(file, data)
	if err == nil && s.sync != SyncNone {
		err = s.sys.sync(file)
	}
	if closeErr := s.sys.close(file); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = s.sys.unlink(d.fd, name)
		return "", refused("the entry's file cannot be written", err)
	}
	return name, nil
}

func (s *Store) writeAll(file int, data []byte) error {
	for len(data) > 0 {
		n, err := s.sys.write(file, data)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
		data = data[n:]
	}
	return nil
}

// remove removes the file of a key in a directory that is locked. One that is not there is no error.
func (s *Store) remove(d *directory, p place) error {
	before := s.weigh(d, p)
	err := s.change(&p.hash, func() error { return s.sys.unlink(d.fd, p.name) })
	if err != nil && !errors.Is(err, errNoEntry) {
		return unavailable("the entry's file cannot be removed", err)
	}
	if err := s.syncNames(d); err != nil {
		return err
	}
	s.failed.forgetKey(p.key, permanent)
	s.grew(-before)
	return nil
}

// weigh is what the file of a key counts for against MaxBytes, where there is a limit.
func (s *Store) weigh(d *directory, p place) int64 {
	if s.maxBytes == 0 {
		return 0
	}
	i, err := s.sys.stat(d.fd, p.name)
	if err != nil || i.mode != 0 {
		return 0
	}
	return weight(i.size)
}

// syncNames waits until the disk has the names in a directory, where it is to.
func (s *Store) syncNames(d *directory) error {
	if s.sync != SyncFull {
		return nil
	}
	return unavailable("the directory cannot be synced", s.sys.sync(d.fd))
}
