package thinqtest

import (
	"crypto/tls"
	"maps"
	"math"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// A hook is where mochi asks what AWS IoT Core would do.
type hook struct {
	mochi.HookBase
	broker *broker
}

func (h *hook) ID() string { return "aws-iot" }

// Provides lists the methods below.
func (h *hook) Provides(b byte) bool {
	switch b {
	case mochi.OnConnect, mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPacketRead, mochi.OnPacketEncode,
		mochi.OnSubscribed, mochi.OnUnsubscribed, mochi.OnSessionEstablished, mochi.OnDisconnect, mochi.OnQosComplete,
		mochi.OnClientExpired:
		return true
	}
	return false
}

// OnConnect lets in whom the certificate was made for, and puts the keep-alive
// into Amazon's range.
func (h *hook) OnConnect(cl *mochi.Client, _ packets.Packet) error {
	if owner := h.broker.certified(cl.Net.Conn); owner == "" || owner != cl.ID {
		h.broker.mqtt.SendConnack(cl, packets.ErrNotAuthorized, false, nil)
		return packets.ErrNotAuthorized
	}
	cl.Properties.Will = mochi.Will{}         // nobody may publish, not even at the end
	cl.Properties.Props.TopicAliasMaximum = 0 // mochi would repeat an alias on a connection that does not know it
	asked := cl.State.Keepalive
	cl.State.Keepalive = min(max(asked, keepAliveLeast), keepAliveMost)
	if asked == 0 {
		cl.State.Keepalive = keepAliveMost
	}
	cl.State.ServerKeepalive = cl.Properties.ProtocolVersion == 5
	h.broker.admit(cl.ID)
	return nil
}

// admit makes room for a client: an older connection under its name goes, and a
// session that is over is forgotten. mochi would mistake the old one's end for
// the new one's if it came later.
func (b *broker) admit(id string) {
	b.mu.Lock()
	old := b.sessions[id]
	forget := old != nil && b.forgotten(old)
	var other *mochi.Client
	var gone chan struct{}
	if old != nil && old.client != nil {
		other = old.client
		gone = b.conns[other.Net.Conn.(*tls.Conn)]
	}
	b.mu.Unlock()
	if gone != nil {
		b.disconnect(other, packets.ErrSessionTakenOver)
		<-gone
	}
	if forget {
		b.forget(id)
	}
}

// forget ends a session in mochi, which by itself keeps its subscriptions.
func (b *broker) forget(id string) {
	if cl, ok := b.mqtt.Clients.Get(id); ok {
		cl.ClearInflights()
		b.mqtt.UnsubscribeClient(cl)
		b.mqtt.Clients.Delete(id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sessions, id)
}

func (h *hook) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

// OnACLCheck lets a client subscribe to its own topic only, and publish nowhere.
func (h *hook) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	return cl.Net.Inline || !write && topic == topicOf(cl.ID)
}

// OnPacketRead ends the connection of a client that does what Amazon or LG's
// policy does not allow. Asking for a foreign topic, MQTT 5 can refuse without.
func (h *hook) OnPacketRead(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if reason := offence(cl, pk); reason != packets.CodeSuccess {
		h.broker.disconnect(cl, reason)
		return pk, packets.ErrRejectPacket
	}
	if kind := pk.FixedHeader.Type; kind == packets.Subscribe || kind == packets.Unsubscribe {
		pk.PacketID = h.broker.lend(cl, pk.PacketID)
	}
	return pk, nil
}

func offence(cl *mochi.Client, pk packets.Packet) packets.Code {
	switch pk.FixedHeader.Type {
	case packets.Publish:
		return packets.ErrNotAuthorized
	case packets.Subscribe:
		if len(pk.Filters) > topicsAtOnce {
			return packets.ErrQuotaExceeded
		}
		for _, sub := range pk.Filters {
			if sub.Qos > 1 {
				return packets.ErrQosNotSupported
			}
			if cl.Properties.ProtocolVersion < 5 && sub.Filter != topicOf(cl.ID) {
				return packets.ErrNotAuthorized
			}
		}
	}
	return packets.CodeSuccess
}

// OnPacketEncode announces what mochi knows and does not say.
func (h *hook) OnPacketEncode(cl *mochi.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type == packets.Connack && cl.Properties.ProtocolVersion == 5 && pk.ReasonCode == 0 {
		pk.Properties.MaximumPacketSize = packetMost
		pk.Properties.TopicAliasMaximum = topicsAtOnce
		pk.Properties.SubIDAvailable, pk.Properties.SubIDAvailableFlag = 0, true
	}
	if kind := pk.FixedHeader.Type; kind == packets.Suback || kind == packets.Unsuback {
		pk.PacketID = h.broker.giveBack(cl, pk.PacketID)
	}
	return pk
}

// A loan is a packet identifier that stands for a client's own for as long as
// its request is being handled.
type loan struct {
	client *mochi.Client
	id     uint16
}

// lend finds an identifier that no unacknowledged message has. MQTT counts the
// identifiers of either side apart (MQTT 5 section 2.2.1), mochi does not, and
// would refuse a subscription after a resumed session for it.
func (b *broker) lend(cl *mochi.Client, own uint16) uint16 {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := uint16(math.MaxUint16); id > 0; id-- { // mochi counts upwards
		_, busy := cl.State.Inflight.Get(id)
		if _, lent := b.loans[loan{cl, id}]; !busy && !lent {
			b.loans[loan{cl, id}] = own
			return id
		}
	}
	return own
}

// giveBack is the client's own identifier.
func (b *broker) giveBack(cl *mochi.Client, id uint16) uint16 {
	b.mu.Lock()
	defer b.mu.Unlock()
	own, ok := b.loans[loan{cl, id}]
	if !ok {
		return id
	}
	delete(b.loans, loan{cl, id})
	return own
}

// OnSessionEstablished begins to serve a connection: with what waited for it,
// if the client wants its old session back.
func (h *hook) OnSessionEstablished(cl *mochi.Client, pk packets.Packet) {
	h.broker.server.connected()
	b := h.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[cl.ID]
	if s == nil || pk.Connect.Clean || b.forgotten(s) {
		s = &session{}
		b.sessions[cl.ID] = s
	}
	s.client = cl
	// mochi counts the window, too, and while it does can lock itself out for
	// good: its NextImmediate takes a read lock twice.
	cl.State.Inflight.ResetSendQuota(0)
	s.window = inFlight
	if most := int(cl.Properties.Props.ReceiveMaximum); most > 0 {
		s.window = min(s.window, most)
	}
	_, s.topic = cl.State.Subscriptions.Get(topicOf(cl.ID))
	b.pump(cl.ID, s)
}

// OnDisconnect keeps the session unless the client wanted none, or wants none
// any more.
func (h *hook) OnDisconnect(cl *mochi.Client, _ error, expire bool) {
	b := h.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[cl.ID]
	if s == nil || s.client != cl {
		return
	}
	maps.DeleteFunc(b.loans, func(l loan, _ uint16) bool { return l.client == cl })
	s.client, s.ended, s.stored = nil, b.server.clock.Now(), len(s.queue)
	s.life = sessionLife
	if cl.Properties.ProtocolVersion == 5 {
		s.life = min(s.life, time.Duration(cl.Properties.Props.SessionExpiryInterval)*time.Second)
	}
	if expire {
		delete(b.sessions, cl.ID)
	}
}

func (h *hook) OnSubscribed(cl *mochi.Client, _ packets.Packet, _ []byte) { h.broker.topics(cl) }

func (h *hook) OnUnsubscribed(cl *mochi.Client, _ packets.Packet) { h.broker.topics(cl) }

// topics looks whether a client is subscribed.
func (b *broker) topics(cl *mochi.Client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[cl.ID]; s != nil && s.client == cl {
		_, s.topic = cl.State.Subscriptions.Get(topicOf(cl.ID))
	}
}

// OnQosComplete: an acknowledgement makes room for the next message.
func (h *hook) OnQosComplete(cl *mochi.Client, _ packets.Packet) {
	b := h.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[cl.ID]; s != nil && s.client == cl {
		b.pump(cl.ID, s)
	}
}

func (h *hook) OnClientExpired(cl *mochi.Client) { h.broker.mqtt.UnsubscribeClient(cl) }
