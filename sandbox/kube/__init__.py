"""A Kubernetes API on one machine, because replicas must be driven through what only a server can do to them.

It keeps Pods, Nodes, Namespaces, Events and Leases in memory with the semantics that clients rely on
(one resourceVersion counter, conflicts, pages, watches, patches, graceful deletion), answers `kubectl`,
and has a second door, `/_sandbox/`, through which a test or the demo breaks it on purpose.
Start with `server.KubeServer`; drive it with `control.KubeControl`.
"""
