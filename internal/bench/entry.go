package main

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// lifetime is that of entries: longer than a run, and no whole number of seconds, so that every client sends it in milliseconds.
const lifetime = time.Hour + time.Millisecond

// entryKey is the key of the n-th entry, without the prefix of a store.
func entryKey(n int) string { return "item:" + strconv.Itoa(n) }

// entryKeys are the keys of n entries behind the prefix.
func entryKeys(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = prefix + entryKey(i)
	}
	return keys
}

// entryValue is a value of that many bytes, the same in every run, which nothing on its way can compress.
func entryValue(size int) []byte {
	value := make([]byte, size)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(value) // never fails
	return value
}

// entryIndex spreads the calls of all goroutines over n entries, each goroutine in an order of its own.
func entryIndex(goroutine, call, n int) int { return (goroutine*7_919 + call*104_729) % n }
