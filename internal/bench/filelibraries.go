package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"go.etcd.io/bbolt"
)

// The libraries keep all entries in few files and have their defaults, less what they would log.

// bboltStore is one bucket. Its entries have no lifetimes, and one process at a time may have it open.
type bboltStore struct {
	db     *bbolt.DB
	bucket []byte
}

func openBbolt(dir string, d durability) (fileStore, error) {
	s, err := openFiles(dir, d) // the directory
	if err != nil {
		return nil, err
	}
	db, err := bbolt.Open(filepath.Join(s.(filesStore).dir, "bbolt"), 0o600, &bbolt.Options{NoSync: d == durableNone})
	if err != nil {
		return nil, err
	}
	b := bboltStore{db, []byte("items")}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(b.bucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return b, nil
}

func (s bboltStore) get(_ context.Context, key string) (value []byte, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(s.bucket).Get(keyBytes(key))
		if v == nil {
			return errFileMiss
		}
		value = append([]byte(nil), v...)
		return nil
	})
	return value, err
}

func (s bboltStore) set(_ context.Context, key string, value []byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(s.bucket).Put(keyBytes(key), value) })
}

// fill stores many entries by one transaction, in the order of their keys.
func (s bboltStore) fill(ctx context.Context, keys []string, value []byte) error {
	const batch = 16 << 20
	for some := range slices.Chunk(slices.Sorted(slices.Values(keys)), max(1, batch/(100+len(value)))) {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(s.bucket)
			for _, key := range some {
				if err := bucket.Put(keyBytes(key), value); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s bboltStore) clear(context.Context) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket(s.bucket); err != nil {
			return err
		}
		_, err := tx.CreateBucket(s.bucket)
		return err
	})
}

func (s bboltStore) close() error { return s.db.Close() }

// badgerStore has the lifetime of entries as filestore has it, to the second. One process at a time may have it open.
type badgerStore struct{ db *badger.DB }

func openBadger(dir string, d durability) (fileStore, error) {
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil).WithSyncWrites(d == durableFull))
	return badgerStore{db}, err
}

func (s badgerStore) get(_ context.Context, key string) (value []byte, err error) {
	err = s.db.View(func(tx *badger.Txn) error {
		item, err := tx.Get(keyBytes(key))
		if err == nil {
			value, err = item.ValueCopy(nil)
		}
		return err
	})
	return value, err
}

func (s badgerStore) set(_ context.Context, key string, value []byte) error {
	return s.db.Update(func(tx *badger.Txn) error {
		return tx.SetEntry(badger.NewEntry([]byte(key), value).WithTTL(lifetime))
	})
}

func (s badgerStore) fill(ctx context.Context, keys []string, value []byte) error {
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := batch.SetEntry(badger.NewEntry([]byte(key), value).WithTTL(lifetime)); err != nil {
			return err
		}
	}
	return batch.Flush()
}

func (s badgerStore) clear(context.Context) error { return s.db.DropAll() }

func (s badgerStore) close() error { return s.db.Close() }
