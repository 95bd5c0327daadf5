namespace Hypervisor.Sdk.CloudInit;

/// <summary>A user that cloud-init makes, or completes where the image has it already.</summary>
public sealed class CloudUser
{
    /// <summary>A rule of sudo with which a user may do everything without a password.</summary>
    public const string AllWithoutPassword = "ALL=(ALL) NOPASSWD:ALL";

    /// <summary>The name: 1 to 32 of <c>a-z</c>, <c>0-9</c>, <c>-</c> and <c>_</c>, the first a letter or <c>_</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The person's name, without <c>:</c>, which ends a field of passwd(5): with one, the guest would make no user at all. Default: none.</summary>
    public string? FullName { get; set; }

    /// <summary>The program that a login runs: an absolute path. Default: the image's, most often <c>/bin/sh</c>.</summary>
    public string? Shell { get; set; }

    /// <summary>Groups beside the user's own, which are made where they are not there.</summary>
    public IList<string> Groups { get; } = [];

    /// <summary>What the user may do by sudo: a rule of sudoers(5) without the user's name, such as <see cref="AllWithoutPassword"/>. Default: nothing.</summary>
    public string? Sudo { get; set; }

    /// <summary>Public keys of those who may log in as this user by SSH, as <c>id_ed25519.pub</c> has them.</summary>
    public IList<string> SshAuthorizedKeys { get; } = [];

    /// <summary>
    /// The password, 1 to 256 bytes. Only its hash goes into the document: SHA-512 as crypt(5) has it, 5,000 rounds, with a salt of its own. Default: none, and the password is locked. By SSH it serves only where <see cref="CloudConfig.AllowSshPasswords"/> says so.
    /// </summary>
    public Secret? Password { get; set; }

    internal Yaml Write(string field)
    {
        var user = new Yaml.Mapping().Add("name", Rules.UserName(Name, $"{field}.name"));
        if (FullName is not null)
            user.Add("gecos", FullName.Contains(':', StringComparison.Ordinal) ? throw Rules.Invalid($"{field}.fullName", FullName, "a name without ':'") : Rules.Line(FullName, $"{field}.fullName"));
        if (Shell is not null)
            user.Add("shell", Rules.AbsolutePath(Shell, $"{field}.shell"));
        // A text with commas: older versions of cloud-init know no list here.
        if (Groups.Count > 0)
            user.Add("groups", string.Join(", ", Rules.Each(Groups, $"{field}.groups").Select(group => Rules.UserName(group.Item, group.Field))));
        if (Sudo is not null)
            user.Add("sudo", Sudo.Contains('=', StringComparison.Ordinal) ? Rules.Line(Sudo, $"{field}.sudo") : throw Rules.Invalid($"{field}.sudo", Sudo, "a rule of sudoers(5) without the user's name: ALL=(ALL) NOPASSWD:ALL"));
        user.Add("ssh_authorized_keys", Yaml.List(Rules.Each(SshAuthorizedKeys, $"{field}.sshAuthorizedKeys").Select(key => Rules.SshKey(key.Item, key.Field))));
        user.Add("lock_passwd", Password is null);
        if (Password is not null)
        {
            if (Password.Reveal().Length is 0 or > 256 || Password.Reveal().IndexOfAny((byte)0, (byte)'\n') >= 0)
                throw Rules.Invalid($"{field}.password", "[secret]", "1 to 256 bytes without line ends and NUL");
            user.Add("passwd", Sha512Crypt.Hash(Password.Reveal()));
        }

        return user;
    }
}
