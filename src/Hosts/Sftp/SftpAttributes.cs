namespace Hypervisor.Sdk.Hosts.Sftp;

/// <summary>What SFTP says of a file (draft-ietf-secsh-filexfer-02, 5).</summary>
internal readonly record struct SftpAttributes(long LengthBytes, uint Permissions, uint ModifiedAt)
{
    private const uint HasSize = 1;
    private const uint HasOwner = 2;
    private const uint HasPermissions = 4;
    private const uint HasTimes = 8;
    private const uint HasMore = 0x80000000;

    public HostFileKind Kind => (Permissions & 0xF000) switch { 0x8000 => HostFileKind.File, 0x4000 => HostFileKind.Directory, 0xA000 => HostFileKind.Link, _ => HostFileKind.Other };

    public static SftpAttributes Read(PacketReader reader)
    {
        uint flags = reader.Number();
        ulong size = (flags & HasSize) != 0 ? reader.Long() : 0;
        if ((flags & HasOwner) != 0)
        {
            reader.Number();
            reader.Number();
        }

        uint permissions = (flags & HasPermissions) != 0 ? reader.Number() : 0;
        uint modified = 0;
        if ((flags & HasTimes) != 0)
        {
            reader.Number();
            modified = reader.Number();
        }

        for (uint more = (flags & HasMore) != 0 ? reader.Number() : 0; more > 0; more--)
        {
            reader.Bytes();
            reader.Bytes();
        }

        return new SftpAttributes((long)Math.Min(size, long.MaxValue), permissions, modified);
    }

    /// <summary>Only a mode.</summary>
    public static Packet WriteMode(Packet packet, UnixFileMode mode) => packet.Number(HasPermissions).Number((uint)mode);

    public HostFile ToFile(string name) => new() { Name = name, Kind = Kind, LengthBytes = LengthBytes, Mode = (UnixFileMode)(Permissions & 0xFFF), ModifiedAt = DateTimeOffset.FromUnixTimeSeconds(ModifiedAt) };
}
