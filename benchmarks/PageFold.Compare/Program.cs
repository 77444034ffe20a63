using System.Globalization;
using PageFold.Compare;

// BASE NEW PAGE_SIZE CODEC MIB ROUNDS PATH...: folders with a worker each, what is stored, how much of it, how often it is measured.
const double MinRatio = 0.97;
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
Console.WriteLine("                                  ns a page: base, new   speed new / base, the median of the rounds (least, most)");

int[] sequential = [.. Enumerable.Range(0, pages)];
int[] random = [.. sequential];
int[] otherRandom = [.. sequential];
Random seeded = new(1);
seeded.Shuffle(random);
seeded.Shuffle(otherRandom);
foreach (LibraryVersion version in versions)
    version.Write(sequential, 0);
List<string> slower = [];
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
        if (operation.Ratio < MinRatio)
            slower.Add($"{threads} x {operation.Name} {operation.Order}");
    }
}
foreach (LibraryVersion version in versions)
    version.End();
if (slower.Count > 0)
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"slower than {MinRatio} of the base: {string.Join(", ", slower)}"));
return slower.Count == 0 ? 0 : 1;
