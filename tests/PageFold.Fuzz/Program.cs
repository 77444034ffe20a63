using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;

namespace PageFold.Fuzz;

/// <summary>
/// Feeds a target with changed inputs and keeps those that take new branches, to change them further: <c>snapshot</c> or <c>nbd</c>, a
/// folder with the first inputs, a folder for findings, seconds, a seed. Ends with 1 after a finding, which lies in its folder with what it
/// did.
/// </summary>
internal static class Program
{
    private const int MaxFindings = 5;
    private const double SlowSeconds = 10;

    private static int Main(string[] arguments)
    {
        if (arguments is not [("snapshot" or "nbd") and var kind, var corpus, var findings, var seconds, var seed])
        {
            Console.Error.WriteLine("usage: PageFold.Fuzz snapshot|nbd CORPUS FINDINGS SECONDS SEED");
            return 2;
        }
        Directory.CreateDirectory(findings);
        // Before any instrumented code runs, which would note its branches nowhere.
        Coverage coverage = new();
        string current = Path.Combine(findings, $"{kind}.current");
        using IDisposable target = kind == "snapshot" ? new SnapshotTarget(current) : new NbdTarget(current);
        int most = int.Parse(seconds, CultureInfo.InvariantCulture);
        return Run(kind, target, coverage, corpus, findings, most, int.Parse(seed, CultureInfo.InvariantCulture));
    }

    private static int Run(string kind, IDisposable target, Coverage coverage, string corpus, string findings, int seconds, int seed)
    {
        Mutator mutator = new(seed);
        List<byte[]> queue = [];
        int found = 0;
        long runs = 0;
        foreach (string file in Directory.EnumerateFiles(corpus).Order(StringComparer.Ordinal))
            Try(File.ReadAllBytes(file), keep: true);
        string queueFolder = Directory.CreateDirectory(Path.Combine(findings, $"{kind}.queue")).FullName;
        long deadline = Environment.TickCount64 + 1000L * seconds;
        while (Environment.TickCount64 < deadline && found < MaxFindings)
        {
            // The newer half more often: they are what led on last.
            int chosen = mutator.Next(2) == 0 ? mutator.Next(queue.Count) : queue.Count - 1 - mutator.Next((queue.Count + 1) / 2);
            byte[] input = mutator.Mutate(queue[chosen], queue[mutator.Next(queue.Count)]);
            // One in ten keeps its wrong hashes.
            if (kind == "snapshot" && mutator.Next(10) != 0)
                input = SnapshotSignature.Sign(input);
            Try(input, keep: false);
        }
        string accepted = target is SnapshotTarget snapshot ? $", {snapshot.Accepted} inputs loaded" : "";
        Console.WriteLine($"FUZZED {kind}: {runs} runs, {coverage.Edges} branches, {queue.Count} inputs kept, {found} findings{accepted}");
        return found == 0 ? 0 : 1;

        void Try(byte[] input, bool keep)
        {
            runs++;
            coverage.Begin();
            long begun = Stopwatch.GetTimestamp();
            try
            {
                if (target is SnapshotTarget loader)
                    loader.Run(input);
                else
                    ((NbdTarget)target).Run(input);
                if (Stopwatch.GetElapsedTime(begun).TotalSeconds > SlowSeconds)
                    throw new TimeoutException($"an input of {input.Length} bytes took {Stopwatch.GetElapsedTime(begun)}");
            }
            catch (Exception finding)
            {
                found++;
                string name = Path.Combine(findings, $"{kind}-{XxHash3.HashToUInt64(input):x16}");
                File.WriteAllBytes(name, input);
                File.WriteAllText(name + ".txt", finding.ToString());
                Console.Error.WriteLine($"FINDING {name}: {finding}");
                return;
            }
            if (!coverage.IsNew() && !keep)
                return;
            queue.Add(input);
            if (!keep)
                File.WriteAllBytes(Path.Combine(findings, $"{kind}.queue", $"{queue.Count:d6}"), input);
        }
    }
}
