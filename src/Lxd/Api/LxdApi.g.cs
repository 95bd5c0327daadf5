// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
namespace Hypervisor.Sdk.Lxd;

/// <summary>Every operation of the API.</summary>
internal static class LxdApi
{
    public static readonly LxdApiOperation ApiGet = new("ApiGet", HttpMethod.Get, "/", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation CertificateDelete = new("CertificateDelete", HttpMethod.Delete, "/1.0/certificates/{fingerprint}", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation CertificateGet = new("CertificateGet", HttpMethod.Get, "/1.0/certificates/{fingerprint}", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation CertificatePatch = new("CertificatePatch", HttpMethod.Patch, "/1.0/certificates/{fingerprint}", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation CertificatePut = new("CertificatePut", HttpMethod.Put, "/1.0/certificates/{fingerprint}", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation CertificatesGet = new("CertificatesGet", HttpMethod.Get, "/1.0/certificates", isIncusOnly: false, null, ["filter"]);
    public static readonly LxdApiOperation CertificatesGetRecursion1 = new("CertificatesGetRecursion1", HttpMethod.Get, "/1.0/certificates?recursion=1", isIncusOnly: false, null, ["filter"]);
    public static readonly LxdApiOperation CertificatesPost = new("CertificatesPost", HttpMethod.Post, "/1.0/certificates", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation CertificatesPostUntrusted = new("CertificatesPostUntrusted", HttpMethod.Post, "/1.0/certificates?public", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation ClusterGet = new("ClusterGet", HttpMethod.Get, "/1.0/cluster", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterGroupDelete = new("ClusterGroupDelete", HttpMethod.Delete, "/1.0/cluster/groups/{name}", isIncusOnly: false, "clustering_groups", []);
    public static readonly LxdApiOperation ClusterGroupGet = new("ClusterGroupGet", HttpMethod.Get, "/1.0/cluster/groups/{name}", isIncusOnly: false, "clustering_groups", []);
    public static readonly LxdApiOperation ClusterGroupPatch = new("ClusterGroupPatch", HttpMethod.Patch, "/1.0/cluster/groups/{name}", isIncusOnly: false, "clustering_groups", []);
    public static readonly LxdApiOperation ClusterGroupPost = new("ClusterGroupPost", HttpMethod.Post, "/1.0/cluster/groups/{name}", isIncusOnly: false, "clustering_groups", []);
    public static readonly LxdApiOperation ClusterGroupPut = new("ClusterGroupPut", HttpMethod.Put, "/1.0/cluster/groups/{name}", isIncusOnly: false, "clustering_groups", []);
    public static readonly LxdApiOperation ClusterGroupsGet = new("ClusterGroupsGet", HttpMethod.Get, "/1.0/cluster/groups", isIncusOnly: false, "clustering_groups", []);
    public static readonly LxdApiOperation ClusterGroupsGetRecursion1 = new("ClusterGroupsGetRecursion1", HttpMethod.Get, "/1.0/cluster/groups?recursion=1", isIncusOnly: false, "clustering_groups", []);
    public static readonly LxdApiOperation ClusterGroupsPost = new("ClusterGroupsPost", HttpMethod.Post, "/1.0/cluster/groups", isIncusOnly: false, "clustering_groups", []);
    public static readonly LxdApiOperation ClusterMemberDelete = new("ClusterMemberDelete", HttpMethod.Delete, "/1.0/cluster/members/{name}", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterMemberGet = new("ClusterMemberGet", HttpMethod.Get, "/1.0/cluster/members/{name}", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterMemberPatch = new("ClusterMemberPatch", HttpMethod.Patch, "/1.0/cluster/members/{name}", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterMemberPost = new("ClusterMemberPost", HttpMethod.Post, "/1.0/cluster/members/{name}", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterMemberPut = new("ClusterMemberPut", HttpMethod.Put, "/1.0/cluster/members/{name}", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterMemberStateGet = new("ClusterMemberStateGet", HttpMethod.Get, "/1.0/cluster/members/{name}/state", isIncusOnly: true, "cluster_member_state", []);
    public static readonly LxdApiOperation ClusterMemberStatePost = new("ClusterMemberStatePost", HttpMethod.Post, "/1.0/cluster/members/{name}/state", isIncusOnly: false, "clustering_evacuation", []);
    public static readonly LxdApiOperation ClusterMembersGet = new("ClusterMembersGet", HttpMethod.Get, "/1.0/cluster/members", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterMembersGetRecursion1 = new("ClusterMembersGetRecursion1", HttpMethod.Get, "/1.0/cluster/members?recursion=1", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterMembersPost = new("ClusterMembersPost", HttpMethod.Post, "/1.0/cluster/members", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusterPut = new("ClusterPut", HttpMethod.Put, "/1.0/cluster", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation ClusteringUpdateCert = new("ClusteringUpdateCert", HttpMethod.Put, "/1.0/cluster/certificate", isIncusOnly: false, "clustering", []);
    public static readonly LxdApiOperation EventsGet = new("EventsGet", HttpMethod.Get, "/1.0/events", isIncusOnly: false, null, ["project", "type", "all-projects"]);
    public static readonly LxdApiOperation ImageAliasDelete = new("ImageAliasDelete", HttpMethod.Delete, "/1.0/images/aliases/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImageAliasGet = new("ImageAliasGet", HttpMethod.Get, "/1.0/images/aliases/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImageAliasGetUntrusted = new("ImageAliasGetUntrusted", HttpMethod.Get, "/1.0/images/aliases/{name}?public", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImageDelete = new("ImageDelete", HttpMethod.Delete, "/1.0/images/{fingerprint}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImageExportGet = new("ImageExportGet", HttpMethod.Get, "/1.0/images/{fingerprint}/export", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImageExportGetUntrusted = new("ImageExportGetUntrusted", HttpMethod.Get, "/1.0/images/{fingerprint}/export?public", isIncusOnly: false, null, ["project", "secret"]);
    public static readonly LxdApiOperation ImageGet = new("ImageGet", HttpMethod.Get, "/1.0/images/{fingerprint}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImageGetUntrusted = new("ImageGetUntrusted", HttpMethod.Get, "/1.0/images/{fingerprint}?public", isIncusOnly: false, null, ["project", "secret"]);
    public static readonly LxdApiOperation ImagePatch = new("ImagePatch", HttpMethod.Patch, "/1.0/images/{fingerprint}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagePut = new("ImagePut", HttpMethod.Put, "/1.0/images/{fingerprint}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesAliasPatch = new("ImagesAliasPatch", HttpMethod.Patch, "/1.0/images/aliases/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesAliasPost = new("ImagesAliasPost", HttpMethod.Post, "/1.0/images/aliases/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesAliasesGet = new("ImagesAliasesGet", HttpMethod.Get, "/1.0/images/aliases", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesAliasesGetRecursion1 = new("ImagesAliasesGetRecursion1", HttpMethod.Get, "/1.0/images/aliases?recursion=1", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesAliasesPost = new("ImagesAliasesPost", HttpMethod.Post, "/1.0/images/aliases", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesAliasesPut = new("ImagesAliasesPut", HttpMethod.Put, "/1.0/images/aliases/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesExportPost = new("ImagesExportPost", HttpMethod.Post, "/1.0/images/{fingerprint}/export", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesGet = new("ImagesGet", HttpMethod.Get, "/1.0/images", isIncusOnly: false, null, ["project", "filter", "all-projects"]);
    public static readonly LxdApiOperation ImagesGetRecursion1 = new("ImagesGetRecursion1", HttpMethod.Get, "/1.0/images?recursion=1", isIncusOnly: false, null, ["project", "filter", "all-projects"]);
    public static readonly LxdApiOperation ImagesGetRecursion1Untrusted = new("ImagesGetRecursion1Untrusted", HttpMethod.Get, "/1.0/images?public&recursion=1", isIncusOnly: false, null, ["project", "filter", "all-projects"]);
    public static readonly LxdApiOperation ImagesGetUntrusted = new("ImagesGetUntrusted", HttpMethod.Get, "/1.0/images?public", isIncusOnly: false, null, ["project", "filter", "all-projects"]);
    public static readonly LxdApiOperation ImagesPost = new("ImagesPost", HttpMethod.Post, "/1.0/images", isIncusOnly: false, null, ["project", "header:secret", "header:fingerprint", "header:aliases", "header:properties", "header:public", "header:filename", "header:profiles"]);
    public static readonly LxdApiOperation ImagesPostUntrusted = new("ImagesPostUntrusted", HttpMethod.Post, "/1.0/images?public", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesRefreshPost = new("ImagesRefreshPost", HttpMethod.Post, "/1.0/images/{fingerprint}/refresh", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ImagesSecretPost = new("ImagesSecretPost", HttpMethod.Post, "/1.0/images/{fingerprint}/secret", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceAccess = new("InstanceAccess", HttpMethod.Get, "/1.0/instances/{name}/access", isIncusOnly: true, "instance_access", ["project"]);
    public static readonly LxdApiOperation InstanceBackupDelete = new("InstanceBackupDelete", HttpMethod.Delete, "/1.0/instances/{name}/backups/{backup}", isIncusOnly: false, "container_backup", ["project"]);
    public static readonly LxdApiOperation InstanceBackupExport = new("InstanceBackupExport", HttpMethod.Get, "/1.0/instances/{name}/backups/{backup}/export", isIncusOnly: false, "container_backup", ["project"]);
    public static readonly LxdApiOperation InstanceBackupGet = new("InstanceBackupGet", HttpMethod.Get, "/1.0/instances/{name}/backups/{backup}", isIncusOnly: false, "container_backup", ["project"]);
    public static readonly LxdApiOperation InstanceBackupPost = new("InstanceBackupPost", HttpMethod.Post, "/1.0/instances/{name}/backups/{backup}", isIncusOnly: false, "container_backup", ["project"]);
    public static readonly LxdApiOperation InstanceBackupsGet = new("InstanceBackupsGet", HttpMethod.Get, "/1.0/instances/{name}/backups", isIncusOnly: false, "container_backup", ["project"]);
    public static readonly LxdApiOperation InstanceBackupsGetRecursion1 = new("InstanceBackupsGetRecursion1", HttpMethod.Get, "/1.0/instances/{name}/backups?recursion=1", isIncusOnly: false, "container_backup", ["project"]);
    public static readonly LxdApiOperation InstanceBackupsPost = new("InstanceBackupsPost", HttpMethod.Post, "/1.0/instances/{name}/backups", isIncusOnly: false, "container_backup", ["project"]);
    public static readonly LxdApiOperation InstanceConsoleDelete = new("InstanceConsoleDelete", HttpMethod.Delete, "/1.0/instances/{name}/console", isIncusOnly: false, "console", ["project"]);
    public static readonly LxdApiOperation InstanceConsoleGet = new("InstanceConsoleGet", HttpMethod.Get, "/1.0/instances/{name}/console", isIncusOnly: false, "console", ["project", "type"]);
    public static readonly LxdApiOperation InstanceConsolePost = new("InstanceConsolePost", HttpMethod.Post, "/1.0/instances/{name}/console", isIncusOnly: false, "console", ["project"]);
    public static readonly LxdApiOperation InstanceDebugMemoryGet = new("InstanceDebugMemoryGet", HttpMethod.Get, "/1.0/instances/{name}/debug/memory", isIncusOnly: true, "instance_debug_memory", ["project", "format"]);
    public static readonly LxdApiOperation InstanceDelete = new("InstanceDelete", HttpMethod.Delete, "/1.0/instances/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceExecOutputDelete = new("InstanceExecOutputDelete", HttpMethod.Delete, "/1.0/instances/{name}/logs/exec-output/{filename}", isIncusOnly: true, null, ["project"]);
    public static readonly LxdApiOperation InstanceExecOutputGet = new("InstanceExecOutputGet", HttpMethod.Get, "/1.0/instances/{name}/logs/exec-output/{filename}", isIncusOnly: true, null, ["project"]);
    public static readonly LxdApiOperation InstanceExecOutputsGet = new("InstanceExecOutputsGet", HttpMethod.Get, "/1.0/instances/{name}/logs/exec-output", isIncusOnly: true, null, ["project"]);
    public static readonly LxdApiOperation InstanceExecPost = new("InstanceExecPost", HttpMethod.Post, "/1.0/instances/{name}/exec", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceFilesDelete = new("InstanceFilesDelete", HttpMethod.Delete, "/1.0/instances/{name}/files", isIncusOnly: false, null, ["path", "project"]);
    public static readonly LxdApiOperation InstanceFilesGet = new("InstanceFilesGet", HttpMethod.Get, "/1.0/instances/{name}/files", isIncusOnly: false, null, ["path", "project"]);
    public static readonly LxdApiOperation InstanceFilesHead = new("InstanceFilesHead", HttpMethod.Head, "/1.0/instances/{name}/files", isIncusOnly: false, null, ["path", "project"]);
    public static readonly LxdApiOperation InstanceFilesPost = new("InstanceFilesPost", HttpMethod.Post, "/1.0/instances/{name}/files", isIncusOnly: false, null, ["path", "project", "header:uid", "header:gid", "header:mode", "header:type", "header:write"]);
    public static readonly LxdApiOperation InstanceGet = new("InstanceGet", HttpMethod.Get, "/1.0/instances/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceGetRecursion1 = new("InstanceGetRecursion1", HttpMethod.Get, "/1.0/instances/{name}?recursion=1", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceLogDelete = new("InstanceLogDelete", HttpMethod.Delete, "/1.0/instances/{name}/logs/{filename}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceLogGet = new("InstanceLogGet", HttpMethod.Get, "/1.0/instances/{name}/logs/{filename}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceLogsGet = new("InstanceLogsGet", HttpMethod.Get, "/1.0/instances/{name}/logs", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceMetadataGet = new("InstanceMetadataGet", HttpMethod.Get, "/1.0/instances/{name}/metadata", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceMetadataPatch = new("InstanceMetadataPatch", HttpMethod.Patch, "/1.0/instances/{name}/metadata", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceMetadataPut = new("InstanceMetadataPut", HttpMethod.Put, "/1.0/instances/{name}/metadata", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceMetadataTemplatesDelete = new("InstanceMetadataTemplatesDelete", HttpMethod.Delete, "/1.0/instances/{name}/metadata/templates", isIncusOnly: false, null, ["path", "project"]);
    public static readonly LxdApiOperation InstanceMetadataTemplatesGet = new("InstanceMetadataTemplatesGet", HttpMethod.Get, "/1.0/instances/{name}/metadata/templates", isIncusOnly: false, null, ["project", "path"]);
    public static readonly LxdApiOperation InstanceMetadataTemplatesPost = new("InstanceMetadataTemplatesPost", HttpMethod.Post, "/1.0/instances/{name}/metadata/templates", isIncusOnly: false, null, ["path", "project"]);
    public static readonly LxdApiOperation InstancePatch = new("InstancePatch", HttpMethod.Patch, "/1.0/instances/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstancePost = new("InstancePost", HttpMethod.Post, "/1.0/instances/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstancePut = new("InstancePut", HttpMethod.Put, "/1.0/instances/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceRebuildPost = new("InstanceRebuildPost", HttpMethod.Post, "/1.0/instances/{name}/rebuild", isIncusOnly: true, "instances_rebuild", ["project"]);
    public static readonly LxdApiOperation InstanceSftp = new("InstanceSftp", HttpMethod.Get, "/1.0/instances/{name}/sftp", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation InstanceSnapshotDelete = new("InstanceSnapshotDelete", HttpMethod.Delete, "/1.0/instances/{name}/snapshots/{snapshot}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceSnapshotGet = new("InstanceSnapshotGet", HttpMethod.Get, "/1.0/instances/{name}/snapshots/{snapshot}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceSnapshotPatch = new("InstanceSnapshotPatch", HttpMethod.Patch, "/1.0/instances/{name}/snapshots/{snapshot}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceSnapshotPost = new("InstanceSnapshotPost", HttpMethod.Post, "/1.0/instances/{name}/snapshots/{snapshot}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceSnapshotPut = new("InstanceSnapshotPut", HttpMethod.Put, "/1.0/instances/{name}/snapshots/{snapshot}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceSnapshotsGet = new("InstanceSnapshotsGet", HttpMethod.Get, "/1.0/instances/{name}/snapshots", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceSnapshotsGetRecursion1 = new("InstanceSnapshotsGetRecursion1", HttpMethod.Get, "/1.0/instances/{name}/snapshots?recursion=1", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceSnapshotsPost = new("InstanceSnapshotsPost", HttpMethod.Post, "/1.0/instances/{name}/snapshots", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceStateGet = new("InstanceStateGet", HttpMethod.Get, "/1.0/instances/{name}/state", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstanceStatePut = new("InstanceStatePut", HttpMethod.Put, "/1.0/instances/{name}/state", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation InstancesGet = new("InstancesGet", HttpMethod.Get, "/1.0/instances", isIncusOnly: false, null, ["project", "filter", "all-projects"]);
    public static readonly LxdApiOperation InstancesGetRecursion1 = new("InstancesGetRecursion1", HttpMethod.Get, "/1.0/instances?recursion=1", isIncusOnly: false, null, ["project", "filter", "all-projects"]);
    public static readonly LxdApiOperation InstancesGetRecursion2 = new("InstancesGetRecursion2", HttpMethod.Get, "/1.0/instances?recursion=2", isIncusOnly: false, null, ["project", "filter", "all-projects"]);
    public static readonly LxdApiOperation InstancesPost = new("InstancesPost", HttpMethod.Post, "/1.0/instances", isIncusOnly: false, null, ["project", "target"]);
    public static readonly LxdApiOperation InstancesPut = new("InstancesPut", HttpMethod.Put, "/1.0/instances", isIncusOnly: false, "instance_bulk_state_change", ["project"]);
    public static readonly LxdApiOperation MetadataConfigurationGet = new("MetadataConfigurationGet", HttpMethod.Get, "/1.0/metadata/configuration", isIncusOnly: true, "metadata_configuration", []);
    public static readonly LxdApiOperation MetricsGet = new("MetricsGet", HttpMethod.Get, "/1.0/metrics", isIncusOnly: false, "metrics", ["project", "target"]);
    public static readonly LxdApiOperation NetworkAclDelete = new("NetworkAclDelete", HttpMethod.Delete, "/1.0/network-acls/{name}", isIncusOnly: false, "network_acl", ["project"]);
    public static readonly LxdApiOperation NetworkAclGet = new("NetworkAclGet", HttpMethod.Get, "/1.0/network-acls/{name}", isIncusOnly: false, "network_acl", ["project"]);
    public static readonly LxdApiOperation NetworkAclLogGet = new("NetworkAclLogGet", HttpMethod.Get, "/1.0/network-acls/{name}/log", isIncusOnly: false, "network_acl", ["project"]);
    public static readonly LxdApiOperation NetworkAclPatch = new("NetworkAclPatch", HttpMethod.Patch, "/1.0/network-acls/{name}", isIncusOnly: false, "network_acl", ["project"]);
    public static readonly LxdApiOperation NetworkAclPost = new("NetworkAclPost", HttpMethod.Post, "/1.0/network-acls/{name}", isIncusOnly: false, "network_acl", ["project"]);
    public static readonly LxdApiOperation NetworkAclPut = new("NetworkAclPut", HttpMethod.Put, "/1.0/network-acls/{name}", isIncusOnly: false, "network_acl", ["project"]);
    public static readonly LxdApiOperation NetworkAclsGet = new("NetworkAclsGet", HttpMethod.Get, "/1.0/network-acls", isIncusOnly: false, "network_acl", ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation NetworkAclsGetRecursion1 = new("NetworkAclsGetRecursion1", HttpMethod.Get, "/1.0/network-acls?recursion=1", isIncusOnly: false, "network_acl", ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation NetworkAclsPost = new("NetworkAclsPost", HttpMethod.Post, "/1.0/network-acls", isIncusOnly: false, "network_acl", ["project"]);
    public static readonly LxdApiOperation NetworkAllocationsGet = new("NetworkAllocationsGet", HttpMethod.Get, "/1.0/network-allocations", isIncusOnly: true, "network_allocations", ["project", "all-projects"]);
    public static readonly LxdApiOperation NetworkDelete = new("NetworkDelete", HttpMethod.Delete, "/1.0/networks/{name}", isIncusOnly: false, "network", ["project"]);
    public static readonly LxdApiOperation NetworkForwardDelete = new("NetworkForwardDelete", HttpMethod.Delete, "/1.0/networks/{networkName}/forwards/{listenAddress}", isIncusOnly: false, "network_forward", ["project"]);
    public static readonly LxdApiOperation NetworkForwardGet = new("NetworkForwardGet", HttpMethod.Get, "/1.0/networks/{networkName}/forwards/{listenAddress}", isIncusOnly: false, "network_forward", ["project"]);
    public static readonly LxdApiOperation NetworkForwardGetRecursion1 = new("NetworkForwardGetRecursion1", HttpMethod.Get, "/1.0/networks/{networkName}/forwards?recursion=1", isIncusOnly: false, "network_forward", ["project", "filter"]);
    public static readonly LxdApiOperation NetworkForwardPatch = new("NetworkForwardPatch", HttpMethod.Patch, "/1.0/networks/{networkName}/forwards/{listenAddress}", isIncusOnly: false, "network_forward", ["project"]);
    public static readonly LxdApiOperation NetworkForwardPut = new("NetworkForwardPut", HttpMethod.Put, "/1.0/networks/{networkName}/forwards/{listenAddress}", isIncusOnly: false, "network_forward", ["project"]);
    public static readonly LxdApiOperation NetworkForwardsGet = new("NetworkForwardsGet", HttpMethod.Get, "/1.0/networks/{networkName}/forwards", isIncusOnly: false, "network_forward", ["project", "filter"]);
    public static readonly LxdApiOperation NetworkForwardsPost = new("NetworkForwardsPost", HttpMethod.Post, "/1.0/networks/{networkName}/forwards", isIncusOnly: false, "network_forward", ["project"]);
    public static readonly LxdApiOperation NetworkGet = new("NetworkGet", HttpMethod.Get, "/1.0/networks/{name}", isIncusOnly: false, "network", ["project", "target"]);
    public static readonly LxdApiOperation NetworkIntegrationDelete = new("NetworkIntegrationDelete", HttpMethod.Delete, "/1.0/network-integrations/{integration}", isIncusOnly: true, "network_integrations", []);
    public static readonly LxdApiOperation NetworkIntegrationGet = new("NetworkIntegrationGet", HttpMethod.Get, "/1.0/network-integrations/{integration}", isIncusOnly: true, "network_integrations", []);
    public static readonly LxdApiOperation NetworkIntegrationPatch = new("NetworkIntegrationPatch", HttpMethod.Patch, "/1.0/network-integrations/{integration}", isIncusOnly: true, "network_integrations", []);
    public static readonly LxdApiOperation NetworkIntegrationPost = new("NetworkIntegrationPost", HttpMethod.Post, "/1.0/network-integrations/{integration}", isIncusOnly: true, "network_integrations", []);
    public static readonly LxdApiOperation NetworkIntegrationPut = new("NetworkIntegrationPut", HttpMethod.Put, "/1.0/network-integrations/{integration}", isIncusOnly: true, "network_integrations", []);
    public static readonly LxdApiOperation NetworkIntegrationsGet = new("NetworkIntegrationsGet", HttpMethod.Get, "/1.0/network-integrations", isIncusOnly: true, "network_integrations", ["filter"]);
    public static readonly LxdApiOperation NetworkIntegrationsGetRecursion1 = new("NetworkIntegrationsGetRecursion1", HttpMethod.Get, "/1.0/network-integrations?recursion=1", isIncusOnly: true, "network_integrations", ["filter"]);
    public static readonly LxdApiOperation NetworkIntegrationsPost = new("NetworkIntegrationsPost", HttpMethod.Post, "/1.0/network-integrations", isIncusOnly: true, "network_integrations", []);
    public static readonly LxdApiOperation NetworkLoadBalancerDelete = new("NetworkLoadBalancerDelete", HttpMethod.Delete, "/1.0/networks/{networkName}/load-balancers/{listenAddress}", isIncusOnly: true, "network_load_balancer", ["project"]);
    public static readonly LxdApiOperation NetworkLoadBalancerGet = new("NetworkLoadBalancerGet", HttpMethod.Get, "/1.0/networks/{networkName}/load-balancers/{listenAddress}", isIncusOnly: true, "network_load_balancer", ["project"]);
    public static readonly LxdApiOperation NetworkLoadBalancerGetRecursion1 = new("NetworkLoadBalancerGetRecursion1", HttpMethod.Get, "/1.0/networks/{networkName}/load-balancers?recursion=1", isIncusOnly: true, "network_load_balancer", ["project", "filter"]);
    public static readonly LxdApiOperation NetworkLoadBalancerPatch = new("NetworkLoadBalancerPatch", HttpMethod.Patch, "/1.0/networks/{networkName}/load-balancers/{listenAddress}", isIncusOnly: true, "network_load_balancer", ["project"]);
    public static readonly LxdApiOperation NetworkLoadBalancerPut = new("NetworkLoadBalancerPut", HttpMethod.Put, "/1.0/networks/{networkName}/load-balancers/{listenAddress}", isIncusOnly: true, "network_load_balancer", ["project"]);
    public static readonly LxdApiOperation NetworkLoadBalancerStateGet = new("NetworkLoadBalancerStateGet", HttpMethod.Get, "/1.0/networks/{networkName}/load-balancers/{listenAddress}/state", isIncusOnly: true, "network_load_balancer_state", ["project"]);
    public static readonly LxdApiOperation NetworkLoadBalancersGet = new("NetworkLoadBalancersGet", HttpMethod.Get, "/1.0/networks/{networkName}/load-balancers", isIncusOnly: true, "network_load_balancer", ["project", "filter"]);
    public static readonly LxdApiOperation NetworkLoadBalancersPost = new("NetworkLoadBalancersPost", HttpMethod.Post, "/1.0/networks/{networkName}/load-balancers", isIncusOnly: true, "network_load_balancer", ["project"]);
    public static readonly LxdApiOperation NetworkPatch = new("NetworkPatch", HttpMethod.Patch, "/1.0/networks/{name}", isIncusOnly: false, "network", ["project", "target"]);
    public static readonly LxdApiOperation NetworkPeerDelete = new("NetworkPeerDelete", HttpMethod.Delete, "/1.0/networks/{networkName}/peers/{peerName}", isIncusOnly: false, "network_peer", ["project"]);
    public static readonly LxdApiOperation NetworkPeerGet = new("NetworkPeerGet", HttpMethod.Get, "/1.0/networks/{networkName}/peers/{peerName}", isIncusOnly: false, "network_peer", ["project"]);
    public static readonly LxdApiOperation NetworkPeerGetRecursion1 = new("NetworkPeerGetRecursion1", HttpMethod.Get, "/1.0/networks/{networkName}/peers?recursion=1", isIncusOnly: false, "network_peer", ["project", "filter"]);
    public static readonly LxdApiOperation NetworkPeerPatch = new("NetworkPeerPatch", HttpMethod.Patch, "/1.0/networks/{networkName}/peers/{peerName}", isIncusOnly: false, "network_peer", ["project"]);
    public static readonly LxdApiOperation NetworkPeerPut = new("NetworkPeerPut", HttpMethod.Put, "/1.0/networks/{networkName}/peers/{peerName}", isIncusOnly: false, "network_peer", ["project"]);
    public static readonly LxdApiOperation NetworkPeersGet = new("NetworkPeersGet", HttpMethod.Get, "/1.0/networks/{networkName}/peers", isIncusOnly: false, "network_peer", ["project", "filter"]);
    public static readonly LxdApiOperation NetworkPeersPost = new("NetworkPeersPost", HttpMethod.Post, "/1.0/networks/{networkName}/peers", isIncusOnly: false, "network_peer", ["project"]);
    public static readonly LxdApiOperation NetworkPost = new("NetworkPost", HttpMethod.Post, "/1.0/networks/{name}", isIncusOnly: false, "network", ["project"]);
    public static readonly LxdApiOperation NetworkPut = new("NetworkPut", HttpMethod.Put, "/1.0/networks/{name}", isIncusOnly: false, "network", ["project", "target"]);
    public static readonly LxdApiOperation NetworkZoneDelete = new("NetworkZoneDelete", HttpMethod.Delete, "/1.0/network-zones/{zone}", isIncusOnly: false, "network_dns", ["project"]);
    public static readonly LxdApiOperation NetworkZoneGet = new("NetworkZoneGet", HttpMethod.Get, "/1.0/network-zones/{zone}", isIncusOnly: false, "network_dns", ["project"]);
    public static readonly LxdApiOperation NetworkZonePatch = new("NetworkZonePatch", HttpMethod.Patch, "/1.0/network-zones/{zone}", isIncusOnly: false, "network_dns", ["project"]);
    public static readonly LxdApiOperation NetworkZonePut = new("NetworkZonePut", HttpMethod.Put, "/1.0/network-zones/{zone}", isIncusOnly: false, "network_dns", ["project"]);
    public static readonly LxdApiOperation NetworkZoneRecordDelete = new("NetworkZoneRecordDelete", HttpMethod.Delete, "/1.0/network-zones/{zone}/records/{name}", isIncusOnly: false, "network_dns_records", ["project"]);
    public static readonly LxdApiOperation NetworkZoneRecordGet = new("NetworkZoneRecordGet", HttpMethod.Get, "/1.0/network-zones/{zone}/records/{name}", isIncusOnly: false, "network_dns_records", ["project"]);
    public static readonly LxdApiOperation NetworkZoneRecordPatch = new("NetworkZoneRecordPatch", HttpMethod.Patch, "/1.0/network-zones/{zone}/records/{name}", isIncusOnly: false, "network_dns_records", ["project"]);
    public static readonly LxdApiOperation NetworkZoneRecordPut = new("NetworkZoneRecordPut", HttpMethod.Put, "/1.0/network-zones/{zone}/records/{name}", isIncusOnly: false, "network_dns_records", ["project"]);
    public static readonly LxdApiOperation NetworkZoneRecordsGet = new("NetworkZoneRecordsGet", HttpMethod.Get, "/1.0/network-zones/{zone}/records", isIncusOnly: false, "network_dns_records", ["project", "filter"]);
    public static readonly LxdApiOperation NetworkZoneRecordsGetRecursion1 = new("NetworkZoneRecordsGetRecursion1", HttpMethod.Get, "/1.0/network-zones/{zone}/records?recursion=1", isIncusOnly: false, "network_dns_records", ["project", "filter"]);
    public static readonly LxdApiOperation NetworkZoneRecordsPost = new("NetworkZoneRecordsPost", HttpMethod.Post, "/1.0/network-zones/{zone}/records", isIncusOnly: false, "network_dns_records", ["project"]);
    public static readonly LxdApiOperation NetworkZonesGet = new("NetworkZonesGet", HttpMethod.Get, "/1.0/network-zones", isIncusOnly: false, "network_dns", ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation NetworkZonesGetRecursion1 = new("NetworkZonesGetRecursion1", HttpMethod.Get, "/1.0/network-zones?recursion=1", isIncusOnly: false, "network_dns", ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation NetworkZonesPost = new("NetworkZonesPost", HttpMethod.Post, "/1.0/network-zones", isIncusOnly: false, "network_dns", ["project"]);
    public static readonly LxdApiOperation NetworksGet = new("NetworksGet", HttpMethod.Get, "/1.0/networks", isIncusOnly: false, "network", ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation NetworksGetRecursion1 = new("NetworksGetRecursion1", HttpMethod.Get, "/1.0/networks?recursion=1", isIncusOnly: false, "network", ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation NetworksLeasesGet = new("NetworksLeasesGet", HttpMethod.Get, "/1.0/networks/{name}/leases", isIncusOnly: false, "network_leases", ["project", "target"]);
    public static readonly LxdApiOperation NetworksPost = new("NetworksPost", HttpMethod.Post, "/1.0/networks", isIncusOnly: false, "network", ["project", "target"]);
    public static readonly LxdApiOperation NetworksStateGet = new("NetworksStateGet", HttpMethod.Get, "/1.0/networks/{name}/state", isIncusOnly: false, "network_state", ["project", "target"]);
    public static readonly LxdApiOperation OperationDelete = new("OperationDelete", HttpMethod.Delete, "/1.0/operations/{id}", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation OperationGet = new("OperationGet", HttpMethod.Get, "/1.0/operations/{id}", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation OperationWaitGet = new("OperationWaitGet", HttpMethod.Get, "/1.0/operations/{id}/wait", isIncusOnly: false, null, ["timeout"]);
    public static readonly LxdApiOperation OperationWaitGetUntrusted = new("OperationWaitGetUntrusted", HttpMethod.Get, "/1.0/operations/{id}/wait?public", isIncusOnly: false, null, ["secret", "timeout"]);
    public static readonly LxdApiOperation OperationWebsocketGet = new("OperationWebsocketGet", HttpMethod.Get, "/1.0/operations/{id}/websocket", isIncusOnly: false, null, ["secret"]);
    public static readonly LxdApiOperation OperationWebsocketGetUntrusted = new("OperationWebsocketGetUntrusted", HttpMethod.Get, "/1.0/operations/{id}/websocket?public", isIncusOnly: false, null, ["secret"]);
    public static readonly LxdApiOperation OperationsGet = new("OperationsGet", HttpMethod.Get, "/1.0/operations", isIncusOnly: false, null, ["project", "all-projects"]);
    public static readonly LxdApiOperation OperationsGetRecursion1 = new("OperationsGetRecursion1", HttpMethod.Get, "/1.0/operations?recursion=1", isIncusOnly: false, null, ["project", "all-projects"]);
    public static readonly LxdApiOperation ProfileDelete = new("ProfileDelete", HttpMethod.Delete, "/1.0/profiles/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ProfileGet = new("ProfileGet", HttpMethod.Get, "/1.0/profiles/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ProfilePatch = new("ProfilePatch", HttpMethod.Patch, "/1.0/profiles/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ProfilePost = new("ProfilePost", HttpMethod.Post, "/1.0/profiles/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ProfilePut = new("ProfilePut", HttpMethod.Put, "/1.0/profiles/{name}", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ProfilesGet = new("ProfilesGet", HttpMethod.Get, "/1.0/profiles", isIncusOnly: false, null, ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation ProfilesGetRecursion1 = new("ProfilesGetRecursion1", HttpMethod.Get, "/1.0/profiles?recursion=1", isIncusOnly: false, null, ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation ProfilesPost = new("ProfilesPost", HttpMethod.Post, "/1.0/profiles", isIncusOnly: false, null, ["project"]);
    public static readonly LxdApiOperation ProjectAccess = new("ProjectAccess", HttpMethod.Get, "/1.0/projects/{name}/access", isIncusOnly: true, "project_access", []);
    public static readonly LxdApiOperation ProjectDelete = new("ProjectDelete", HttpMethod.Delete, "/1.0/projects/{name}", isIncusOnly: false, "projects", ["force"]);
    public static readonly LxdApiOperation ProjectGet = new("ProjectGet", HttpMethod.Get, "/1.0/projects/{name}", isIncusOnly: false, "projects", []);
    public static readonly LxdApiOperation ProjectPatch = new("ProjectPatch", HttpMethod.Patch, "/1.0/projects/{name}", isIncusOnly: false, "projects", []);
    public static readonly LxdApiOperation ProjectPost = new("ProjectPost", HttpMethod.Post, "/1.0/projects/{name}", isIncusOnly: false, "projects", []);
    public static readonly LxdApiOperation ProjectPut = new("ProjectPut", HttpMethod.Put, "/1.0/projects/{name}", isIncusOnly: false, "projects", []);
    public static readonly LxdApiOperation ProjectStateGet = new("ProjectStateGet", HttpMethod.Get, "/1.0/projects/{name}/state", isIncusOnly: false, "project_usage", []);
    public static readonly LxdApiOperation ProjectsGet = new("ProjectsGet", HttpMethod.Get, "/1.0/projects", isIncusOnly: false, "projects", ["filter"]);
    public static readonly LxdApiOperation ProjectsGetRecursion1 = new("ProjectsGetRecursion1", HttpMethod.Get, "/1.0/projects?recursion=1", isIncusOnly: false, "projects", ["filter"]);
    public static readonly LxdApiOperation ProjectsPost = new("ProjectsPost", HttpMethod.Post, "/1.0/projects", isIncusOnly: false, "projects", []);
    public static readonly LxdApiOperation ResourcesGet = new("ResourcesGet", HttpMethod.Get, "/1.0/resources", isIncusOnly: false, "resources", ["target"]);
    public static readonly LxdApiOperation ServerGet = new("ServerGet", HttpMethod.Get, "/1.0", isIncusOnly: false, null, ["target", "project"]);
    public static readonly LxdApiOperation ServerGetUntrusted = new("ServerGetUntrusted", HttpMethod.Get, "/1.0?public", isIncusOnly: false, null, []);
    public static readonly LxdApiOperation ServerPatch = new("ServerPatch", HttpMethod.Patch, "/1.0", isIncusOnly: false, null, ["target"]);
    public static readonly LxdApiOperation ServerPut = new("ServerPut", HttpMethod.Put, "/1.0", isIncusOnly: false, null, ["target"]);
    public static readonly LxdApiOperation StoragePoolBucketDelete = new("StoragePoolBucketDelete", HttpMethod.Delete, "/1.0/storage-pools/{name}/buckets/{bucketName}", isIncusOnly: true, "storage_buckets", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketGet = new("StoragePoolBucketGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets/{bucketName}", isIncusOnly: true, "storage_buckets", ["project"]);
    public static readonly LxdApiOperation StoragePoolBucketKeyDelete = new("StoragePoolBucketKeyDelete", HttpMethod.Delete, "/1.0/storage-pools/{name}/buckets/{bucketName}/keys/{keyName}", isIncusOnly: true, "storage_buckets", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketKeyGet = new("StoragePoolBucketKeyGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/keys/{keyName}", isIncusOnly: true, "storage_buckets", ["project"]);
    public static readonly LxdApiOperation StoragePoolBucketKeyPost = new("StoragePoolBucketKeyPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/keys", isIncusOnly: true, "storage_buckets", ["project"]);
    public static readonly LxdApiOperation StoragePoolBucketKeyPut = new("StoragePoolBucketKeyPut", HttpMethod.Put, "/1.0/storage-pools/{name}/buckets/{bucketName}/keys/{keyName}", isIncusOnly: true, "storage_buckets", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketKeysGet = new("StoragePoolBucketKeysGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/keys", isIncusOnly: true, "storage_buckets", ["project"]);
    public static readonly LxdApiOperation StoragePoolBucketKeysGetRecursion1 = new("StoragePoolBucketKeysGetRecursion1", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/keys?recursion=1", isIncusOnly: true, "storage_buckets", ["project"]);
    public static readonly LxdApiOperation StoragePoolBucketPatch = new("StoragePoolBucketPatch", HttpMethod.Patch, "/1.0/storage-pools/{name}/buckets/{bucketName}", isIncusOnly: true, "storage_buckets", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketPost = new("StoragePoolBucketPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/buckets", isIncusOnly: true, "storage_buckets", ["project"]);
    public static readonly LxdApiOperation StoragePoolBucketPut = new("StoragePoolBucketPut", HttpMethod.Put, "/1.0/storage-pools/{name}/buckets/{bucketName}", isIncusOnly: true, "storage_buckets", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketsBackupDelete = new("StoragePoolBucketsBackupDelete", HttpMethod.Delete, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}", isIncusOnly: true, "storage_bucket_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketsBackupExportGet = new("StoragePoolBucketsBackupExportGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}/export", isIncusOnly: true, "storage_bucket_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketsBackupGet = new("StoragePoolBucketsBackupGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}", isIncusOnly: true, "storage_bucket_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketsBackupPost = new("StoragePoolBucketsBackupPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}", isIncusOnly: true, "storage_bucket_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketsBackupsGet = new("StoragePoolBucketsBackupsGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups", isIncusOnly: true, "storage_bucket_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketsBackupsGetRecursion1 = new("StoragePoolBucketsBackupsGetRecursion1", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups?recursion=1", isIncusOnly: true, "storage_bucket_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketsBackupsPost = new("StoragePoolBucketsBackupsPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups", isIncusOnly: true, "storage_bucket_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolBucketsGet = new("StoragePoolBucketsGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets", isIncusOnly: true, "storage_buckets", ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation StoragePoolBucketsGetRecursion1 = new("StoragePoolBucketsGetRecursion1", HttpMethod.Get, "/1.0/storage-pools/{poolName}/buckets?recursion=1", isIncusOnly: true, "storage_buckets", ["project", "all-projects", "filter"]);
    public static readonly LxdApiOperation StoragePoolGet = new("StoragePoolGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolPatch = new("StoragePoolPatch", HttpMethod.Patch, "/1.0/storage-pools/{poolName}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolPut = new("StoragePoolPut", HttpMethod.Put, "/1.0/storage-pools/{poolName}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolResources = new("StoragePoolResources", HttpMethod.Get, "/1.0/storage-pools/{name}/resources", isIncusOnly: false, "storage", ["target"]);
    public static readonly LxdApiOperation StoragePoolVolumeTypeDelete = new("StoragePoolVolumeTypeDelete", HttpMethod.Delete, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumeTypeGet = new("StoragePoolVolumeTypeGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumeTypePatch = new("StoragePoolVolumeTypePatch", HttpMethod.Patch, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumeTypePost = new("StoragePoolVolumeTypePost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumeTypePut = new("StoragePoolVolumeTypePut", HttpMethod.Put, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumeTypeStateGet = new("StoragePoolVolumeTypeStateGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/state", isIncusOnly: false, "storage_volume_state", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesGet = new("StoragePoolVolumesGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes", isIncusOnly: false, "storage", ["project", "target", "filter"]);
    public static readonly LxdApiOperation StoragePoolVolumesGetRecursion1 = new("StoragePoolVolumesGetRecursion1", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes?recursion=1", isIncusOnly: false, "storage", ["project", "target", "filter"]);
    public static readonly LxdApiOperation StoragePoolVolumesPost = new("StoragePoolVolumesPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/volumes", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeBackupDelete = new("StoragePoolVolumesTypeBackupDelete", HttpMethod.Delete, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}", isIncusOnly: false, "custom_volume_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeBackupExportGet = new("StoragePoolVolumesTypeBackupExportGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}/export", isIncusOnly: false, "custom_volume_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeBackupGet = new("StoragePoolVolumesTypeBackupGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}", isIncusOnly: false, "custom_volume_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeBackupPost = new("StoragePoolVolumesTypeBackupPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}", isIncusOnly: false, "custom_volume_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeBackupsGet = new("StoragePoolVolumesTypeBackupsGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups", isIncusOnly: false, "custom_volume_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeBackupsGetRecursion1 = new("StoragePoolVolumesTypeBackupsGetRecursion1", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups?recursion=1", isIncusOnly: false, "custom_volume_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeBackupsPost = new("StoragePoolVolumesTypeBackupsPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups", isIncusOnly: false, "custom_volume_backup", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeGet = new("StoragePoolVolumesTypeGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeGetRecursion1 = new("StoragePoolVolumesTypeGetRecursion1", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}?recursion=1", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypePost = new("StoragePoolVolumesTypePost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/volumes/{type}", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeSnapshotDelete = new("StoragePoolVolumesTypeSnapshotDelete", HttpMethod.Delete, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}", isIncusOnly: false, "storage_api_volume_snapshots", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeSnapshotGet = new("StoragePoolVolumesTypeSnapshotGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}", isIncusOnly: false, "storage_api_volume_snapshots", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeSnapshotPatch = new("StoragePoolVolumesTypeSnapshotPatch", HttpMethod.Patch, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}", isIncusOnly: false, "storage_api_volume_snapshots", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeSnapshotPost = new("StoragePoolVolumesTypeSnapshotPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}", isIncusOnly: false, "storage_api_volume_snapshots", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeSnapshotPut = new("StoragePoolVolumesTypeSnapshotPut", HttpMethod.Put, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}", isIncusOnly: false, "storage_api_volume_snapshots", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeSnapshotsGet = new("StoragePoolVolumesTypeSnapshotsGet", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots", isIncusOnly: false, "storage_api_volume_snapshots", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeSnapshotsGetRecursion1 = new("StoragePoolVolumesTypeSnapshotsGetRecursion1", HttpMethod.Get, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots?recursion=1", isIncusOnly: false, "storage_api_volume_snapshots", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolVolumesTypeSnapshotsPost = new("StoragePoolVolumesTypeSnapshotsPost", HttpMethod.Post, "/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots", isIncusOnly: false, "storage_api_volume_snapshots", ["project", "target"]);
    public static readonly LxdApiOperation StoragePoolsDelete = new("StoragePoolsDelete", HttpMethod.Delete, "/1.0/storage-pools/{poolName}", isIncusOnly: false, "storage", ["project"]);
    public static readonly LxdApiOperation StoragePoolsGet = new("StoragePoolsGet", HttpMethod.Get, "/1.0/storage-pools", isIncusOnly: false, "storage", ["project", "filter"]);
    public static readonly LxdApiOperation StoragePoolsGetRecursion1 = new("StoragePoolsGetRecursion1", HttpMethod.Get, "/1.0/storage-pools?recursion=1", isIncusOnly: false, "storage", ["project", "filter"]);
    public static readonly LxdApiOperation StoragePoolsPost = new("StoragePoolsPost", HttpMethod.Post, "/1.0/storage-pools", isIncusOnly: false, "storage", ["project", "target"]);
    public static readonly LxdApiOperation WarningDelete = new("WarningDelete", HttpMethod.Delete, "/1.0/warnings/{uuid}", isIncusOnly: false, "warnings", []);
    public static readonly LxdApiOperation WarningGet = new("WarningGet", HttpMethod.Get, "/1.0/warnings/{uuid}", isIncusOnly: false, "warnings", []);
    public static readonly LxdApiOperation WarningPatch = new("WarningPatch", HttpMethod.Patch, "/1.0/warnings/{uuid}", isIncusOnly: false, "warnings", []);
    public static readonly LxdApiOperation WarningPut = new("WarningPut", HttpMethod.Put, "/1.0/warnings/{uuid}", isIncusOnly: false, "warnings", []);
    public static readonly LxdApiOperation WarningsGet = new("WarningsGet", HttpMethod.Get, "/1.0/warnings", isIncusOnly: false, "warnings", ["project"]);
    public static readonly LxdApiOperation WarningsGetRecursion1 = new("WarningsGetRecursion1", HttpMethod.Get, "/1.0/warnings?recursion=1", isIncusOnly: false, "warnings", ["project"]);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<LxdApiOperation> All { get; } =
    [
        ApiGet,
        CertificateDelete,
        CertificateGet,
        CertificatePatch,
        CertificatePut,
        CertificatesGet,
        CertificatesGetRecursion1,
        CertificatesPost,
        CertificatesPostUntrusted,
        ClusterGet,
        ClusterGroupDelete,
        ClusterGroupGet,
        ClusterGroupPatch,
        ClusterGroupPost,
        ClusterGroupPut,
        ClusterGroupsGet,
        ClusterGroupsGetRecursion1,
        ClusterGroupsPost,
        ClusterMemberDelete,
        ClusterMemberGet,
        ClusterMemberPatch,
        ClusterMemberPost,
        ClusterMemberPut,
        ClusterMemberStateGet,
        ClusterMemberStatePost,
        ClusterMembersGet,
        ClusterMembersGetRecursion1,
        ClusterMembersPost,
        ClusterPut,
        ClusteringUpdateCert,
        EventsGet,
        ImageAliasDelete,
        ImageAliasGet,
        ImageAliasGetUntrusted,
        ImageDelete,
        ImageExportGet,
        ImageExportGetUntrusted,
        ImageGet,
        ImageGetUntrusted,
        ImagePatch,
        ImagePut,
        ImagesAliasPatch,
        ImagesAliasPost,
        ImagesAliasesGet,
        ImagesAliasesGetRecursion1,
        ImagesAliasesPost,
        ImagesAliasesPut,
        ImagesExportPost,
        ImagesGet,
        ImagesGetRecursion1,
        ImagesGetRecursion1Untrusted,
        ImagesGetUntrusted,
        ImagesPost,
        ImagesPostUntrusted,
        ImagesRefreshPost,
        ImagesSecretPost,
        InstanceAccess,
        InstanceBackupDelete,
        InstanceBackupExport,
        InstanceBackupGet,
        InstanceBackupPost,
        InstanceBackupsGet,
        InstanceBackupsGetRecursion1,
        InstanceBackupsPost,
        InstanceConsoleDelete,
        InstanceConsoleGet,
        InstanceConsolePost,
        InstanceDebugMemoryGet,
        InstanceDelete,
        InstanceExecOutputDelete,
        InstanceExecOutputGet,
        InstanceExecOutputsGet,
        InstanceExecPost,
        InstanceFilesDelete,
        InstanceFilesGet,
        InstanceFilesHead,
        InstanceFilesPost,
        InstanceGet,
        InstanceGetRecursion1,
        InstanceLogDelete,
        InstanceLogGet,
        InstanceLogsGet,
        InstanceMetadataGet,
        InstanceMetadataPatch,
        InstanceMetadataPut,
        InstanceMetadataTemplatesDelete,
        InstanceMetadataTemplatesGet,
        InstanceMetadataTemplatesPost,
        InstancePatch,
        InstancePost,
        InstancePut,
        InstanceRebuildPost,
        InstanceSftp,
        InstanceSnapshotDelete,
        InstanceSnapshotGet,
        InstanceSnapshotPatch,
        InstanceSnapshotPost,
        InstanceSnapshotPut,
        InstanceSnapshotsGet,
        InstanceSnapshotsGetRecursion1,
        InstanceSnapshotsPost,
        InstanceStateGet,
        InstanceStatePut,
        InstancesGet,
        InstancesGetRecursion1,
        InstancesGetRecursion2,
        InstancesPost,
        InstancesPut,
        MetadataConfigurationGet,
        MetricsGet,
        NetworkAclDelete,
        NetworkAclGet,
        NetworkAclLogGet,
        NetworkAclPatch,
        NetworkAclPost,
        NetworkAclPut,
        NetworkAclsGet,
        NetworkAclsGetRecursion1,
        NetworkAclsPost,
        NetworkAllocationsGet,
        NetworkDelete,
        NetworkForwardDelete,
        NetworkForwardGet,
        NetworkForwardGetRecursion1,
        NetworkForwardPatch,
        NetworkForwardPut,
        NetworkForwardsGet,
        NetworkForwardsPost,
        NetworkGet,
        NetworkIntegrationDelete,
        NetworkIntegrationGet,
        NetworkIntegrationPatch,
        NetworkIntegrationPost,
        NetworkIntegrationPut,
        NetworkIntegrationsGet,
        NetworkIntegrationsGetRecursion1,
        NetworkIntegrationsPost,
        NetworkLoadBalancerDelete,
        NetworkLoadBalancerGet,
        NetworkLoadBalancerGetRecursion1,
        NetworkLoadBalancerPatch,
        NetworkLoadBalancerPut,
        NetworkLoadBalancerStateGet,
        NetworkLoadBalancersGet,
        NetworkLoadBalancersPost,
        NetworkPatch,
        NetworkPeerDelete,
        NetworkPeerGet,
        NetworkPeerGetRecursion1,
        NetworkPeerPatch,
        NetworkPeerPut,
        NetworkPeersGet,
        NetworkPeersPost,
        NetworkPost,
        NetworkPut,
        NetworkZoneDelete,
        NetworkZoneGet,
        NetworkZonePatch,
        NetworkZonePut,
        NetworkZoneRecordDelete,
        NetworkZoneRecordGet,
        NetworkZoneRecordPatch,
        NetworkZoneRecordPut,
        NetworkZoneRecordsGet,
        NetworkZoneRecordsGetRecursion1,
        NetworkZoneRecordsPost,
        NetworkZonesGet,
        NetworkZonesGetRecursion1,
        NetworkZonesPost,
        NetworksGet,
        NetworksGetRecursion1,
        NetworksLeasesGet,
        NetworksPost,
        NetworksStateGet,
        OperationDelete,
        OperationGet,
        OperationWaitGet,
        OperationWaitGetUntrusted,
        OperationWebsocketGet,
        OperationWebsocketGetUntrusted,
        OperationsGet,
        OperationsGetRecursion1,
        ProfileDelete,
        ProfileGet,
        ProfilePatch,
        ProfilePost,
        ProfilePut,
        ProfilesGet,
        ProfilesGetRecursion1,
        ProfilesPost,
        ProjectAccess,
        ProjectDelete,
        ProjectGet,
        ProjectPatch,
        ProjectPost,
        ProjectPut,
        ProjectStateGet,
        ProjectsGet,
        ProjectsGetRecursion1,
        ProjectsPost,
        ResourcesGet,
        ServerGet,
        ServerGetUntrusted,
        ServerPatch,
        ServerPut,
        StoragePoolBucketDelete,
        StoragePoolBucketGet,
        StoragePoolBucketKeyDelete,
        StoragePoolBucketKeyGet,
        StoragePoolBucketKeyPost,
        StoragePoolBucketKeyPut,
        StoragePoolBucketKeysGet,
        StoragePoolBucketKeysGetRecursion1,
        StoragePoolBucketPatch,
        StoragePoolBucketPost,
        StoragePoolBucketPut,
        StoragePoolBucketsBackupDelete,
        StoragePoolBucketsBackupExportGet,
        StoragePoolBucketsBackupGet,
        StoragePoolBucketsBackupPost,
        StoragePoolBucketsBackupsGet,
        StoragePoolBucketsBackupsGetRecursion1,
        StoragePoolBucketsBackupsPost,
        StoragePoolBucketsGet,
        StoragePoolBucketsGetRecursion1,
        StoragePoolGet,
        StoragePoolPatch,
        StoragePoolPut,
        StoragePoolResources,
        StoragePoolVolumeTypeDelete,
        StoragePoolVolumeTypeGet,
        StoragePoolVolumeTypePatch,
        StoragePoolVolumeTypePost,
        StoragePoolVolumeTypePut,
        StoragePoolVolumeTypeStateGet,
        StoragePoolVolumesGet,
        StoragePoolVolumesGetRecursion1,
        StoragePoolVolumesPost,
        StoragePoolVolumesTypeBackupDelete,
        StoragePoolVolumesTypeBackupExportGet,
        StoragePoolVolumesTypeBackupGet,
        StoragePoolVolumesTypeBackupPost,
        StoragePoolVolumesTypeBackupsGet,
        StoragePoolVolumesTypeBackupsGetRecursion1,
        StoragePoolVolumesTypeBackupsPost,
        StoragePoolVolumesTypeGet,
        StoragePoolVolumesTypeGetRecursion1,
        StoragePoolVolumesTypePost,
        StoragePoolVolumesTypeSnapshotDelete,
        StoragePoolVolumesTypeSnapshotGet,
        StoragePoolVolumesTypeSnapshotPatch,
        StoragePoolVolumesTypeSnapshotPost,
        StoragePoolVolumesTypeSnapshotPut,
        StoragePoolVolumesTypeSnapshotsGet,
        StoragePoolVolumesTypeSnapshotsGetRecursion1,
        StoragePoolVolumesTypeSnapshotsPost,
        StoragePoolsDelete,
        StoragePoolsGet,
        StoragePoolsGetRecursion1,
        StoragePoolsPost,
        WarningDelete,
        WarningGet,
        WarningPatch,
        WarningPut,
        WarningsGet,
        WarningsGetRecursion1,
    ];
}
