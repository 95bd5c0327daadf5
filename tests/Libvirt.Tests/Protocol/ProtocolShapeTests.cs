using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Protocol;

public sealed class ProtocolShapeTests
{
    private const int Rounds = 8;

    [Fact]
    public void Every_message_is_read_as_it_was_written()
    {
        foreach (var shape in Shapes.All)
        {
            for (int seed = 0; seed < Rounds; seed++)
            {
                byte[] bytes = shape.Make(new Randoms(seed));
                Assert.True(bytes.AsSpan().SequenceEqual(shape.ReadAndWrite(bytes)), $"{shape.Name}, seed {seed}");
                Assert.Equal(0, bytes.Length % 4);
            }
        }
    }

    [Fact]
    public void Every_message_that_is_cut_short_or_too_long_is_refused()
    {
        foreach (var shape in Shapes.All)
        {
            byte[] bytes = shape.Make(new Randoms(1));
            int step = bytes.Length > 400 ? 7 : 1;
            for (int length = 0; length < bytes.Length; length += step)
                Assert.Throws<XdrException>(() => shape.ReadAndWrite(bytes.AsSpan(0, length)));
            Assert.Throws<XdrException>(() => shape.ReadAndWrite([.. bytes, 0, 0, 0, 0]));
        }
    }

    [Fact]
    public void The_smallest_form_of_every_message_has_the_bytes_that_counts_are_checked_against()
    {
        foreach (var shape in Shapes.All)
            Assert.True(shape.Make(new Randoms(0, isSmallest: true)).Length == shape.MinBytes, shape.Name);
    }

    [Fact]
    public void Changed_bytes_are_refused_or_read_but_nothing_else_ever_happens()
    {
        var random = new Random(7);
        foreach (var shape in Shapes.All)
        {
            byte[] bytes = shape.Make(new Randoms(2));
            for (int round = 0; round < 20 && bytes.Length > 0; round++)
            {
                byte[] changed = [.. bytes];
                for (int i = random.Next(3); i >= 0; i--)
                    changed[random.Next(changed.Length)] = (byte)(random.Next(3) == 0 ? 0xff : random.Next(256));
                ReadOrRefuse(shape, changed);
            }
        }
    }

    [Fact]
    public void The_corpus_is_refused_or_read_but_nothing_else_ever_happens()
    {
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Protocol", "corpus"), "*.bin");
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            foreach (var shape in Shapes.All)
                ReadOrRefuse(shape, bytes);
        }
    }

    [Fact]
    public void The_programs_have_the_procedures_of_libvirt_11_3()
    {
        Assert.Equal(453, RemoteProcedures.All.Length);
        Assert.Equal(7, QemuProcedures.All.Length);
        Assert.Equal(20, AdminProcedures.All.Length);
        Assert.Equal(453, RemoteProcedures.All.Select(procedure => procedure.Number).Distinct().Count());
    }

    private static void ReadOrRefuse(Shape shape, byte[] bytes)
    {
        try
        {
            shape.ReadAndWrite(bytes);
        }
        catch (XdrException)
        {
            // Refused, as it should be.
        }
        catch (ArgumentException)
        {
            // Read, but what was read cannot be sent: a text with a NUL in it.
        }
    }
}
