package main

import (
	"context"
	"encoding/json"
	"time"
)

// loadItem is a small struct, as a handler reads one.
type loadItem struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Price   int64  `json:"price"`
	InStock bool   `json:"inStock"`
}

func itemOf(key string) loadItem {
	return loadItem{ID: key, Name: "Earl Grey, 100 g", Price: 450, InStock: true}
}

// decodedAs tells whether the item in data is that of the key.
func decodedAs(key string, data []byte) bool {
	var item loadItem
	err := json.Unmarshal(data, &item)
	return err == nil && item.ID == key
}

func encodedItem(key string) []byte {
	data, _ := json.Marshal(itemOf(key)) // never fails
	return data
}

// counted is what a store of items returns for one that it has read and for which the loop counts a hit. The loop looks at its length only.
var counted = entryValue(memoryValueSize)

// typedItems has items, by the default codec, which is JSON.
type typedItems struct{ typedStore[loadItem] }

func openTypedItems(o memoryOptions) (memoryStore, error) {
	s, err := newTyped[loadItem](o)
	return typedItems{s}, err
}

func (s typedItems) get(key string) ([]byte, bool) {
	item, err := s.typed.GetOrLoad(s.ctx, key, loadNoItem)
	return counted, err == nil && item.ID == key
}

func loadNoItem(context.Context) (loadItem, error) { return loadItem{}, errLoaded }

func (s typedItems) set(key string, _ []byte, _ time.Duration) {
	_ = s.typed.Set(s.ctx, key, itemOf(key))
}

// otterJSON and theineJSON keep what JSON makes of an item, and each caller decodes it: then he owns all of it, as with ours.
type otterJSON struct{ otterLoading[[]byte] }

func openOtterJSON(o memoryOptions) (memoryStore, error) {
	s, err := newOtterLoading[[]byte](o)
	return otterJSON{s}, err
}

func (s otterJSON) get(key string) ([]byte, bool) {
	data, err := s.cache.Get(s.ctx, key, s.load)
	return counted, err == nil && decodedAs(key, data)
}

func (s otterJSON) set(key string, _ []byte, _ time.Duration) { s.cache.Set(key, encodedItem(key)) }

type theineJSON struct{ theineLoading[[]byte] }

func openTheineJSON(o memoryOptions) (memoryStore, error) {
	s, err := newTheineLoading[[]byte](o)
	return theineJSON{s}, err
}

func (s theineJSON) get(key string) ([]byte, bool) {
	data, err := s.cache.Get(s.ctx, key)
	return counted, err == nil && decodedAs(key, data)
}

func (s theineJSON) set(key string, _ []byte, _ time.Duration) {
	s.cache.SetWithTTL(key, encodedItem(key), 1, loadTTL)
}

// otterItems and theineItems keep the Go value and hand it out.
type otterItems struct{ otterLoading[loadItem] }

func openOtterItems(o memoryOptions) (memoryStore, error) {
	s, err := newOtterLoading[loadItem](o)
	return otterItems{s}, err
}

func (s otterItems) get(key string) ([]byte, bool) {
	item, err := s.cache.Get(s.ctx, key, s.load)
	return counted, err == nil && item.ID == key
}

func (s otterItems) set(key string, _ []byte, _ time.Duration) { s.cache.Set(key, itemOf(key)) }

type theineItems struct{ theineLoading[loadItem] }

func openTheineItems(o memoryOptions) (memoryStore, error) {
	s, err := newTheineLoading[loadItem](o)
	return theineItems{s}, err
}

func (s theineItems) get(key string) ([]byte, bool) {
	item, err := s.cache.Get(s.ctx, key)
	return counted, err == nil && item.ID == key
}

func (s theineItems) set(key string, _ []byte, _ time.Duration) {
	s.cache.SetWithTTL(key, itemOf(key), 1, loadTTL)
}
