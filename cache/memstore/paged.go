package memstore

// paged is an array that grows without moving what it has, so that no operation pays for the growth of all.
type paged[T any] struct {
	pages []*[pagedLen]T
}

const pagedLen = 4096

func (p *paged[T]) at(i uint32) *T { return &p.pages[i/pagedLen][i%pagedLen] }

// fit makes room for n elements, and gives back what they leave over beyond a page.
func (p *paged[T]) fit(n uint32) {
	need := int((n + pagedLen - 1) / pagedLen)
	for len(p.pages) < need {
		p.pages = append(p.pages, new([pagedLen]T))
	}
	for len(p.pages) > need+1 {
		p.pages[len(p.pages)-1] = nil
		p.pages = p.pages[:len(p.pages)-1]
	}
}
