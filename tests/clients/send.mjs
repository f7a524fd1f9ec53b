// Sends the same few events by one of the libraries: node send.mjs <library> <host> <key> <directory of packages>
import { createRequire } from 'node:module'

const [library, host, key, packages] = process.argv.slice(2)
const load = createRequire(`${packages}/package.json`)
const COUNT = 25

const senders = {
  async segment() {
    const { Analytics } = load('@segment/analytics-node')
    const analytics = new Analytics({ writeKey: key, host, flushAt: 10, maxRetries: 0 })
    analytics.identify({ userId: 'node-user', traits: { email: 'Node@Example.com', plan: 'pro' } })
    for (let n = 0; n < COUNT; n += 1) {
      analytics.track({ userId: 'node-user', event: 'Product Viewed', properties: { sku: `S${n}` } })
    }
    analytics.page({ anonymousId: 'anon-1', name: 'Home', properties: { url: 'https://shop.example/' } })
    analytics.group({ userId: 'node-user', groupId: 'g1', traits: { name: 'Initech' } })
    await analytics.closeAndFlush()
  },
  async rudder() {
    const Analytics = load('@rudderstack/rudder-sdk-node').default ?? load('@rudderstack/rudder-sdk-node')
    const client = new Analytics(key, { dataPlaneUrl: host, flushAt: 10 })
    client.identify({ userId: 'node-user', traits: { email: 'Node@Example.com', plan: 'pro' } })
    for (let n = 0; n < COUNT; n += 1) {
      client.track({ userId: 'node-user', event: 'Product Viewed', properties: { sku: `S${n}` } })
    }
    client.page({ anonymousId: 'anon-1', name: 'Home', properties: { url: 'https://shop.example/' } })
    client.group({ userId: 'node-user', groupId: 'g1', traits: { name: 'Initech' } })
    await client.flush()
  },
  async posthog() {
    const { PostHog } = load('posthog-node')
    const client = new PostHog(key, { host, flushAt: 10, fetchRetryCount: 0 })
    client.identify({ distinctId: 'node-user', properties: { email: 'Node@Example.com', plan: 'pro' } })
    for (let n = 0; n < COUNT; n += 1) {
      client.capture({ distinctId: 'node-user', event: 'Product Viewed', properties: { sku: `S${n}` } })
    }
    client.capture({ distinctId: 'anon-1', event: '$pageview', properties: { $process_person_profile: false } })
    client.groupIdentify({ groupType: 'company', groupKey: 'g1', properties: { name: 'Initech' } })
    await client.shutdown()
  },
}

await senders[library]()
