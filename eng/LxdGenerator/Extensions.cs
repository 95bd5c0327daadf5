namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>Which API extension a server must have for an operation. The definitions do not say; the names are those of the servers' lists of extensions.</summary>
internal static class Extensions
{
    private static readonly (string Method, string Path, string Extension)[] s_extensions =
    [
        ("get", "/1.0/cluster/members/{}/state", "cluster_member_state"),
        ("post", "/1.0/cluster/members/{}/state", "clustering_evacuation"),
        ("", "/1.0/cluster/groups", "clustering_groups"),
        ("", "/1.0/cluster", "clustering"),
        ("", "/1.0/instances/{}/access", "instance_access"),
        ("", "/1.0/projects/{}/access", "project_access"),
        ("", "/1.0/projects/{}/state", "project_usage"),
        ("", "/1.0/projects", "projects"),
        ("", "/1.0/instances/{}/debug/memory", "instance_debug_memory"),
        ("", "/1.0/instances/{}/rebuild", "instances_rebuild"),
        ("", "/1.0/instances/{}/backups", "container_backup"),
        ("", "/1.0/instances/{}/console", "console"),
        ("put", "/1.0/instances", "instance_bulk_state_change"),
        ("", "/1.0/metadata/configuration", "metadata_configuration"),
        ("", "/1.0/metrics", "metrics"),
        ("", "/1.0/network-acls", "network_acl"),
        ("", "/1.0/network-allocations", "network_allocations"),
        ("", "/1.0/network-integrations", "network_integrations"),
        ("", "/1.0/network-zones/{}/records", "network_dns_records"),
        ("", "/1.0/network-zones", "network_dns"),
        ("", "/1.0/networks/{}/forwards", "network_forward"),
        ("", "/1.0/networks/{}/load-balancers/{}/state", "network_load_balancer_state"),
        ("", "/1.0/networks/{}/load-balancers", "network_load_balancer"),
        ("", "/1.0/networks/{}/peers", "network_peer"),
        ("", "/1.0/networks/{}/leases", "network_leases"),
        ("", "/1.0/networks/{}/state", "network_state"),
        ("", "/1.0/networks", "network"),
        ("", "/1.0/resources", "resources"),
        ("", "/1.0/storage-pools/{}/buckets/{}/backups", "storage_bucket_backup"),
        ("", "/1.0/storage-pools/{}/buckets", "storage_buckets"),
        ("", "/1.0/storage-pools/{}/volumes/{}/{}/state", "storage_volume_state"),
        ("", "/1.0/storage-pools/{}/volumes/{}/{}/snapshots", "storage_api_volume_snapshots"),
        ("", "/1.0/storage-pools/{}/volumes/{}/{}/backups", "custom_volume_backup"),
        ("", "/1.0/storage-pools", "storage"),
        ("", "/1.0/warnings", "warnings"),
    ];

    /// <summary>The extension, or null where the first version of the API has the operation.</summary>
    public static string? Of(Call call, string shape)
    {
        string path = shape.Split('?')[0];
        foreach (var (method, prefix, extension) in s_extensions)
        {
            bool isWithin = path.StartsWith(prefix, StringComparison.Ordinal) && (path.Length == prefix.Length || path[prefix.Length] == '/');
            if (method.Length == 0 ? isWithin : path == prefix && method == call.Method)
                return extension;
        }

        return null;
    }
}
