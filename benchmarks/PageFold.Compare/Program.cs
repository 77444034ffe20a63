using System.Globalization;
using PageFold.Compare;

// BASE NEW PAGE_SIZE CODEC MIB ROUNDS PATH...: folders with a worker each, what is stored, how much of it, how often it is measured.
if (args.Length < 7)
{
    Console.Error.WriteLine("PageFold.Compare: is run by benchmarks/compare.sh.");
    return 2;
}
int pageSize = int.Parse(args[2], CultureInfo.InvariantCulture);
string codec = args[3];
int mib = int.Parse(args[4], CultureInfo.InvariantCulture);
int rounds = int.Parse(args[5], CultureInfo.InvariantCulture);
byte[] image = Image.Read(args[6..], (long)mib << 20, pageSize);
LibraryVersion[] versions = [new(args[0], image, pageSize, codec), new(args[1], image, pageSize, codec)];
int pages = image.Length / pageSize;
Console.WriteLine($"{pages} pages of {pageSize} bytes, {codec}, {rounds} rounds");
Console.WriteLine("                                  ns a page: base, new   speed new / base  (of single rounds)");

int[] sequential = [.. Enumerable.Range(0, pages)];
int[] random = [.. sequential];
int[] otherRandom = [.. sequential];
Random seeded = new(1);
seeded.Shuffle(random);
seeded.Shuffle(otherRandom);
foreach (LibraryVersion version in versions)
    version.Write(sequential, 0);
bool allSteady = true;
foreach (int threads in (int[])[1, 2])
{
    Operation[] operations =
    [
        new("write", "sequential", sequential, Writes: true), new("read", "sequential", sequential, Writes: false),
        new("write", "random", random, Writes: true), new("read", "random", otherRandom, Writes: false),
    ];
    // The first third is for the compiler.
    for (int round = -rounds / 2; round < rounds; round++)
    {
        foreach (Operation operation in operations)
            operation.Measure(versions, threads, round, isWarmUp: round < 0);
    }
    foreach (Operation operation in operations)
    {
        Console.WriteLine(operation.Report(threads));
        allSteady &= operation.Ratio >= 0.97;
    }
}
foreach (LibraryVersion version in versions)
    version.End();
return allSteady ? 0 : 1;
