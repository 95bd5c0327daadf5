namespace Hypervisor.Sdk.CloudInit;

/// <summary>What a guest becomes at its first boot: cloud-init's user-data, typed.</summary>
/// <remarks>
/// Source: cloud-init's module reference; the words are those of version 22.4 and later (Debian 12). What is written is YAML in which every value is quoted, so that no value, whoever typed it, adds to the document or ends it.
/// </remarks>
public sealed class CloudConfig
{
    /// <summary>The host name without its domain. Default: the instance's name.</summary>
    public string? HostName { get; set; }

    /// <summary>
    /// The host name with its domain: <c>web1.example.org</c>, which the guest finds for itself by a line in <c>/etc/hosts</c>. What it calls itself is the first part, and on some distributions all of it. Default: none.
    /// </summary>
    public string? FullHostName { get; set; }

    /// <summary>Whether the image's own default user (<c>debian</c>, <c>ubuntu</c>) is made as well. Default: yes when <see cref="Users"/> is empty, else no.</summary>
    public bool? KeepDefaultUser { get; set; }

    /// <summary>Users to make.</summary>
    public IList<CloudUser> Users { get; } = [];

    /// <summary>Public keys for the image's default user, as <c>id_ed25519.pub</c> has them.</summary>
    public IList<string> SshAuthorizedKeys { get; } = [];

    /// <summary>Whether SSH takes passwords. Default: the image's, most often no.</summary>
    public bool? AllowSshPasswords { get; set; }

    /// <summary>Whether the lists of packages are fetched first. Default: when there are <see cref="Packages"/>.</summary>
    public bool? UpdatePackages { get; set; }

    /// <summary>Whether what is installed is brought to its newest version. Default: no.</summary>
    public bool UpgradePackages { get; set; }

    /// <summary>Packages to install, by the names of the guest's distribution.</summary>
    public IList<string> Packages { get; } = [];

    /// <summary>Files to write.</summary>
    public IList<CloudFile> Files { get; } = [];

    /// <summary>
    /// Commands to run once, late in the first boot, in their order: each is a program and its arguments, without a shell between. For a shell say so: <c>["sh", "-c", "…"]</c>.
    /// </summary>
    public IList<IReadOnlyList<string>> RunCommands { get; } = [];

    /// <summary>The same, early and at every boot.</summary>
    public IList<IReadOnlyList<string>> BootCommands { get; } = [];

    /// <summary>The time zone: <c>Europe/Vienna</c>. Default: the image's.</summary>
    public string? TimeZone { get; set; }

    /// <summary>The locale: <c>de_AT.UTF-8</c>. Default: the image's.</summary>
    public string? Locale { get; set; }

    /// <summary>What is said on the console when all is done, for a program that waits for it. Default: cloud-init's own words.</summary>
    public string? FinalMessage { get; set; }

    /// <summary>Writes the document, which begins with <c>#cloud-config</c>. It may hold secrets: passwords as hashes, contents of files as they are.</summary>
    /// <returns>What <see cref="CloudInitData.UserData"/> takes.</returns>
    /// <exception cref="HypervisorException">A value breaks its rule: the message and <see cref="HypervisorException.FieldErrors"/> name the field (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public string ToUserData()
    {
        var document = new Yaml.Mapping();
        if (HostName is not null)
            document.Add("hostname", Rules.HostName(HostName, "hostName"));
        if (FullHostName is not null)
            document.Add("fqdn", Rules.HostName(FullHostName, "fullHostName")).Add("prefer_fqdn_over_hostname", HostName is null)
                // Without a line in /etc/hosts the guest does not find its own full name where nobody answers for it.
                .Add("manage_etc_hosts", "localhost");
        WriteUsers(document);
        document.Add("ssh_authorized_keys", Yaml.List(Rules.Each(SshAuthorizedKeys, "sshAuthorizedKeys").Select(key => Rules.SshKey(key.Item, key.Field))));
        if (AllowSshPasswords is { } passwords)
            document.Add("ssh_pwauth", passwords);
        if (TimeZone is not null)
            document.Add("timezone", Rules.Word(TimeZone, "timeZone"));
        if (Locale is not null)
            document.Add("locale", Rules.Word(Locale, "locale"));
        if (UpdatePackages ?? Packages.Count > 0)
            document.Add("package_update", true);
        if (UpgradePackages)
            document.Add("package_upgrade", true);
        document.Add("packages", Yaml.List(Rules.Each(Packages, "packages").Select(package => Rules.Package(package.Item, package.Field))));
        document.Add("write_files", Yaml.List(Rules.Each(Files, "files").Select(file => file.Item.Write(file.Field))));
        document.Add("bootcmd", Commands(BootCommands, "bootCommands"));
        document.Add("runcmd", Commands(RunCommands, "runCommands"));
        if (FinalMessage is not null)
            document.Add("final_message", Rules.Text(FinalMessage, "finalMessage"));
        return "#cloud-config\n" + document.Write();
    }

    private static Yaml Commands(IList<IReadOnlyList<string>> commands, string field) => Yaml.List(Rules.Each(commands, field).Select(command =>
    {
        if (command.Item.Count == 0 || string.IsNullOrWhiteSpace(command.Item[0]))
            throw Rules.Invalid(command.Field, "", "a program and its arguments");
        return Yaml.List(command.Item.Select((word, index) => Rules.Text(word, $"{command.Field}[{index}]")));
    }));

    private void WriteUsers(Yaml.Mapping document)
    {
        var users = Rules.Each(Users, "users").Select(user => user.Item.Write(user.Field)).ToList();
        if (Users.Select(user => user.Name).Distinct(StringComparer.Ordinal).Count() != Users.Count)
            throw Rules.Invalid("users", Users.GroupBy(user => user.Name).First(same => same.Count() > 1).Key, "each user once");
        bool keepsDefault = KeepDefaultUser ?? users.Count == 0;
        if (users.Count > 0)
            document.Add("users", Yaml.List(keepsDefault ? users.Prepend("default") : users));
        else if (!keepsDefault)
            throw Rules.Invalid("keepDefaultUser", "false", "true where there are no other users: nobody could log in");
    }
}
