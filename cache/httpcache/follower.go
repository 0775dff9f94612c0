package httpcache

import "time"

// trusts reports whether what a call brings may be what the handler says now. Its record in the store, which goes with an invalidation by any
// process, must have been there when this request looked: else the call may have begun before a change that this client knows of.
func (v *visit) trusts(f *flight, seen *found) bool {
	began := time.Now()
	timer := time.NewTimer(v.left)
	defer timer.Stop()
	select {
	case <-f.claimed:
	case <-timer.C:
	case <-v.r.Context().Done():
	}
	v.left -= time.Since(began)
	select {
	case <-f.claimed:
		return f.nonce == "" || f.nonce == seen.nonce
	default:
		return true // it is the store that is slow; there is nothing to compare
	}
}

// await answers with what another's call brings, if it is for this request too.
func (v *visit) await(f *flight, x *call) (done bool) {
	timer := time.NewTimer(maxWait - time.Since(f.began))
	defer timer.Stop()
	select {
	case <-f.landed:
	case <-v.r.Context().Done(): // nobody waits for an answer; the handler sees that too
		x.run()
		return true
	case <-timer.C:
		x.run()
		return true
	}
	now := time.Now()
	switch f.outcome {
	case lost:
		select { // the store knows what this one left there
		case <-f.settled:
		case <-timer.C:
		}
		return false
	case recorded, staleInstead:
		if v.suits(f, now) && (len(f.tags) == 0 || v.cache.shelf.stands(v.r.Context(), v.left, f.tags, f.response.asked)) {
			v.cache.answer(v.w, v.r, f.response, now, report{forward: x.why, collapsed: true})
			return true
		}
		if f.outcome == recorded && variantOf(v.r, f.names) != f.response.variant { // which has to be stored before this one's can be
			select {
			case <-f.settled:
				return false
			case <-timer.C:
			case <-v.r.Context().Done():
			}
		}
	case unshareable:
	}
	x.run()
	return true
}

// suits reports whether what a call brought is for this request too.
func (v *visit) suits(f *flight, now time.Time) bool {
	p := f.response
	if !v.visitor.mayShare(&p.terms) || variantOf(v.r, f.names) != p.variant {
		return false
	}
	if f.outcome == staleInstead {
		return true
	}
	use, _ := v.useOf(p, now)
	return use == usable
}
