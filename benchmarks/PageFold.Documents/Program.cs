using PageFold.Documents;

// Small documents with a dictionary, for several codecs in turns. Arguments are folders: the JSON files in each are one more set.
foreach (string folder in args)
{
    if (Directory.Exists(folder))
        continue;
    Console.Error.WriteLine($"PageFold.Documents: there is no folder '{folder}'.");
    return 2;
}
Comparison.Run(DocumentSet.Generate("orders", generator => generator.Order()));
Comparison.Run(DocumentSet.Generate("sensors", generator => generator.Sensor()));
foreach (string folder in args)
{
    DocumentSet set = DocumentSet.Read(folder);
    if (set.Measured.Count < 1000)
        Console.Error.WriteLine($"PageFold.Documents: '{folder}' has only {set.Measured.Count} documents to measure; 1000 are the least.");
    else
        Comparison.Run(set);
}
return 0;
