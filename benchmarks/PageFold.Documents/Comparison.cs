using System.Globalization;
using PageFold.Compression.Fold.Training;
using PageFold.Compression.Lz4;
using PageFold.Compression.Paths;
using ZstdSharp;

namespace PageFold.Documents;

/// <summary>Compresses the documents of a set with several codecs that have a dictionary, in turns.</summary>
/// <remarks>
/// Each codec compresses the same batch of documents, then each decompresses it, then comes the next batch. The order of the codecs changes
/// with each turn, and the order of the documents with each round. A time is the median of all turns, a ratio to the first codec the median
/// of the ratios within the turns. So other activity of the machine affects all of them alike.
/// </remarks>
internal static class Comparison
{
    private const int DictionaryBytes = 32 << 10;
    private const int Batch = 250;
    private const int WarmUps = 4;
    private const int Rounds = 4;
    private const int Seed = 1;

    /// <summary>Trains dictionaries and prints the figures.</summary>
    public static void Run(DocumentSet set)
    {
        ReadOnlyMemory<byte>[] samples = [.. set.Training.Select(document => new ReadOnlyMemory<byte>(document))];
        byte[] dictionary = PrefixTrainer.Train(samples, DocumentSet.MaxLength, DictionaryBytes, CancellationToken.None);
        byte[] tables = FoldTrainer.Train(samples, DocumentSet.MaxLength, dictionary, CancellationToken.None).ToArray();
        // Zstandard's own dictionary has statistics too, which the content alone would lack.
        byte[] zstd = DictBuilder.TrainFromBuffer(set.Training, DictionaryBytes);
        List<MeasuredCodec> codecs = [];
        try
        {
#pragma warning disable CA2000 // disposed with the others
            if (LibLz4Context.TryMake(dictionary) is { } lz4)
                Add($"liblz4 {lz4.Version}", lz4);
#pragma warning restore CA2000
            Add("lz4-managed", new ManagedLz4Codec("lz4-managed", dictionary, InstructionPaths.Best));
            Add("fold", PageCodec.Fold(FoldLevel.Fast, tables));
            Add("fold:dense", PageCodec.Fold(FoldLevel.Dense, tables));
            Add("zstd:1", PageCodec.Zstd(1, zstd));
            Add("zstd:3", PageCodec.Zstd(3, zstd));
            codecs.ForEach(codec => codec.Verify());
            Measure(codecs, set.Measured.Count);
            Print(set, dictionary.Length, codecs);
        }
        finally
        {
            codecs.ForEach(codec => codec.Dispose());
        }

        void Add(string name, object codec) => codecs.Add(new MeasuredCodec(
            name, codec as PageCodecContext ?? ((PageCodec)codec).CreateContext(DocumentSet.MaxLength), set.Measured));
    }

    private static void Measure(List<MeasuredCodec> codecs, int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        Random random = new(Seed);
        for (int round = -WarmUps; round < Rounds; round++)
        {
            random.Shuffle(order);
            for (int start = 0; start + Batch <= count; start += Batch)
            {
                for (int i = 0; i < codecs.Count; i++)
                    codecs[(i + start / Batch) % codecs.Count].Compress(order.AsSpan(start, Batch));
                for (int i = 0; i < codecs.Count; i++)
                    codecs[(i + start / Batch) % codecs.Count].Decompress(order.AsSpan(start, Batch));
            }
            if (round >= 0)
                continue;
            // The code is compiled in the background.
            Thread.Sleep(500);
            foreach (MeasuredCodec codec in codecs)
            {
                codec.CompressTurns.Clear();
                codec.DecompressTurns.Clear();
            }
        }
    }

    private static void Print(DocumentSet set, int dictionaryBytes, List<MeasuredCodec> codecs)
    {
        long bytes = set.Measured.Sum(document => (long)document.Length);
        MeasuredCodec first = codecs[0];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{set.Name}: {set.Measured.Count} documents of {bytes / set.Measured.Count} bytes, {set.Training.Count} others for training, "
                + $"dictionary of {dictionaryBytes} bytes"));
        Console.WriteLine($"codec             data / bytes   us to compress   / {first.Name}   us to decompress   / {first.Name}");
        foreach (MeasuredCodec codec in codecs)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{codec.Name,-16}{(double)bytes / codec.PackedBytes,14:F2}"
                    + $"{Median(codec.CompressTurns) / 1000,17:F2}{Ratio(codec.CompressTurns, first.CompressTurns),15:F2}"
                    + $"{Median(codec.DecompressTurns) / 1000,19:F3}{Ratio(codec.DecompressTurns, first.DecompressTurns),15:F2}"));
        }
        Console.WriteLine();
    }

    private static double Ratio(List<double> turns, List<double> others) => Median(turns.Zip(others, (time, other) => time / other));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
