// Package tierstore is a cache in memory in front of one in Redis: an entry that was read once is read from memory until somebody, in whatever process,
// changes it. A [Store] has every capability that package cache knows of.
//
//	     ┌ reads ──▶ near: memstore ──miss──▶ far: redisstore
//	user ┤             ▲ drop                   │ GET and PTTL
//	     └ writes ─────┴──────▶ far             ▼
//	                   ▲                    Redis
//	                   └── keys that changed ───┘ CLIENT TRACKING ON BCAST PREFIX cache:
//
// # What a read returns
//
// The server tells every process which keys have changed, usually within a millisecond or two of the change (server-assisted client-side caching, Redis 6). Until
// then a process may read the value that it has near. What it wrote itself it reads at once: a write drops the key near before it goes to Redis and again after that,
// and nothing that was read meanwhile is kept. For the users of one process the store is linearizable per key, as Redis is.
//
// Every second the server is asked over the same connection whether it still is there. Where it has not answered for two seconds, the connection broke, or
// sentinels or a cluster have another master, the near store is bypassed and emptied, and what follows is a plain Redis store, until tracking has begun anew. So no read
// is older than three seconds, whatever breaks. A process that was stopped looks at the clock before it uses what is near. Two things nobody here can see: a machine that was asleep, whose
// monotonic clock stood still; and a cluster whose nodes are cut off from each other and not from this process, where it depends on which of them is asked who the masters are.
//
// An entry lives near no longer than in Redis, and a minute at most: of some changes (SWAPDB) no server tells. Values above 1 MiB are not kept near; nor is a miss.
//
// # What goes to Redis always
//
// Add, Increment, CompareAndSwap, CompareAndDelete, GetAndRenew, Touch, TTL, Take and Keys, and every write. Sessions and limits had better use the far store itself:
// what must hold at this moment is nothing to keep near.
//
// # Servers without tracking
//
// Tracking takes RESP3 and CLIENT TRACKING, which Redis has since version 6, and an ACL user who may run it (+client|tracking, or +client before version 7).
// Where it cannot be had, all goes to Redis, Options.OnTracking is told once, and tracking is tried again every minute. What is told are the names of all keys
// below the prefix (redis.io, "Client-side caching", broadcasting mode): a prefix shared by much that this process does not read costs it traffic.
package tierstore
