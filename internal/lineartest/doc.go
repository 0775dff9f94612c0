// Package lineartest checks that a store is linearizable per key: that whatever its clients do at once, their answers are those of
// some order of the operations, one after the other, in which none comes before one that had ended when it began.
//
// [Check] lets goroutines use caches over one backend, on few keys, with values that no two operations share, so that a value which is
// served too late is seen. Of every key it records when each operation began and ended and what it answered, and has porcupine
// look for such an order. Lifetimes are long: expiry is not what this is about.
//
// # An operation
//
// Every operation on a key is one atomic step on what the model of a key is: a value, or nothing. A batch is one operation on each of
// its keys, all within the time that the batch took, for nobody need see all of it at once. So is Clear; since it promises that what
// was there is gone, and nothing about what is stored meanwhile, it may delete each key a second time within its time.
//
// # An operation that failed
//
// An answer such as [cache.ErrNotInteger] is an answer. Any other error tells nothing: the operation may have taken effect, may still
// do so at any time, once, or never. Without a Break no operation may fail; with one it may with [cache.ErrUnavailable] or
// [context.DeadlineExceeded].
//
// A Set, Delete or Clear that failed is moreover remembered by its process, which deletes the key before it uses it again. In
// the model it leaves a mark, some time before it returns. While there is a mark the key may be deleted at any time and any number of
// times, for whoever tries to make up for the failure may fail in his turn. What begins in that process after the
// failure was told must find the key deleted since, and takes the mark away. What had begun before need not know of the mark,
// nor need other processes. A Clear is made up for in the background: until it has been, reads and comparisons may answer
// as if there were nothing, though there is, and Set and Delete go through.
//
// A deletion that was to make up for something and failed may be executed when another has taken the mark away. So each operation
// that fails while there is a mark of its process may delete the key once more, at any later time. So may each Set with
// [cache.KeepTTL] that fails: it is made of a read and a write, and deletes the key when one of them fails that leaves no mark.
//
// # No correct store is rejected
//
// Take a correct run, and the order in which the effects of its operations, the marks and the deletions took place. Each lies between
// the beginning and the end of its operation, or after the beginning of one that failed. The model accepts that order: every answer
// is that of the state that it found, and every deletion that no operation asked for is one of those above.
//
// What the model does not see: whether a Set that failed was executed late or run again, which is one and the same from outside; and
// whether a process made up for its failure before or after others wrote, as long as it never serves what was there when it failed.
package lineartest
