package linktest

import "strings"

// Cut cuts the connections of the clients whose id begins with stem, as a pulled
// cable would: their wills are published.
func (b *Broker) Cut(stem string) {
	for id, c := range b.server.Clients.GetAll() {
		if c.Net.Conn != nil && strings.HasPrefix(id, stem) {
			_ = c.Net.Conn.Close()
		}
	}
}
