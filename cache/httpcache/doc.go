// Package httpcache is a shared HTTP cache inside the origin: middleware that answers requests from stored responses, as RFC 9111 has it.
package httpcache
