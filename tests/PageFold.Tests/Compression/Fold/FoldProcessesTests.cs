using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
using PageFold.Compression.Fold;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Processes for which the runtime hides instructions write the same bytes as this one.</summary>
/// <remarks>
/// The runtime hides BMI2 only together with AVX2, so the path with AVX2 and without PDEP is met in <see cref="FoldPathsTests"/> alone.
/// </remarks>
public class FoldProcessesTests
{
    // The same on all processors. It changes with the built-in tables and with what the encoder chooses, never otherwise.
    private const string Expected = "8137d8c60a4512a5";

    private const string ReportVariable = "PAGEFOLD_FOLD_HASH_REPORT";

    private static readonly Lazy<(string BuiltIn, string All)> Own = new(Hash);

    [Theory]
    [InlineData("vector128", "DOTNET_EnableAVX2=0")]
    [InlineData("vector128", "DOTNET_EnableAVX=0")]
    [InlineData("scalar", "DOTNET_EnableSSE42=0")]
    [InlineData("scalar", "DOTNET_EnableHWIntrinsic=0")]
    [InlineData(null, "DOTNET_TieredCompilation=0")]
    [InlineData(null, "DOTNET_TieredPGO=0", "DOTNET_ReadyToRun=0")]
    public async Task A_process_without_some_instructions_writes_the_same(string? path, params string[] settings)
    {
        Assert.SkipUnless(Avx2Path.IsSupported, "The processor has fewer instructions than the settings hide.");
        string report = Path.GetTempFileName();
        ProcessStartInfo start = OwnProcess.Of(nameof(FoldProcessesTests));
        start.Environment[ReportVariable] = report;
        foreach (string setting in settings)
            start.Environment[setting[..setting.IndexOf('=')]] = setting[(setting.IndexOf('=') + 1)..];
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}: {await output} {await errors}");
        string[] lines = await File.ReadAllLinesAsync(report, TestContext.Current.CancellationToken);
        File.Delete(report);
        Assert.Equal([path ?? InstructionPaths.NameOf(InstructionPaths.Best), Expected, Own.Value.All], lines);
    }

    [Fact]
    public void The_best_path_reads_what_it_writes() => Assert.Equal(Expected, Own.Value.BuiltIn);

    /// <summary>Tells the hashes of what the best path of this process writes, to the file that the test above names.</summary>
    internal static void Report()
    {
        (string builtIn, string all) = Hash();
        File.WriteAllLines(Environment.GetEnvironmentVariable(ReportVariable)!,
            [InstructionPaths.NameOf(InstructionPaths.Best), builtIn, all]);
    }

    /// <summary>
    /// Hashes of what a fixed set of texts becomes, at both levels: with the built-in tables, and with several tables, these included.
    /// </summary>
    private static (string BuiltIn, string All) Hash()
    {
        XxHash3 builtIn = new();
        XxHash3 all = new();
        Span<byte> number = stackalloc byte[4];
        foreach (FoldLevel level in FoldSubjects.Levels)
        {
            foreach (string tables in (string[])[FoldSubjects.BuiltIn, "1000", "65536", FoldSubjects.Crude])
            {
                FoldCodec codec = FoldSubjects.Codec(level, tables, InstructionPaths.Best);
                foreach (int size in (int[])[33, 512, 4096, 16384, 65536])
                {
                    using PageCodecContext context = codec.CreateContext(size);
                    byte[] text = new byte[size];
                    byte[] back = new byte[size];
                    byte[] packed = new byte[codec.MaxCompressedLength(size)];
                    for (int i = 0; i < (size > 4096 ? 20 : 200); i++)
                    {
                        Contents.Fill(text, i % Contents.Kinds.Length, (ulong)i, FoldSubjects.Dictionary(tables));
                        Assert.True(context.TryCompress(text, packed, out int written));
                        Assert.True(context.TryDecompress(packed.AsSpan(0, written), back));
                        Assert.True(text.AsSpan().SequenceEqual(back));
                        BinaryPrimitives.WriteInt32LittleEndian(number, written);
                        Append(all, number, packed.AsSpan(0, written));
                        if (tables == FoldSubjects.BuiltIn)
                            Append(builtIn, number, packed.AsSpan(0, written));
                    }
                }
            }
        }
        return ($"{builtIn.GetCurrentHashAsUInt64():x16}", $"{all.GetCurrentHashAsUInt64():x16}");

        static void Append(XxHash3 hash, ReadOnlySpan<byte> number, ReadOnlySpan<byte> packed)
        {
            hash.Append(number);
            hash.Append(packed);
        }
    }
}
